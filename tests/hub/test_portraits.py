"""Pictures of people out of the workspace."""

import io
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image

from streamhub.keepers.portraits import Portraits
from streamhub.keepers.video_facts import plan_plate
from streamhub.live.thumbnail import draw_thumbnail
from streamhub.schedule.public import plan_public_session
from streamhub.schedule.show import Participant, Role, Session, Show

SESSION = Session(
    id="2027-03-02-netz",
    show_id="netz",
    title="Netz",
    starts_at=datetime(2027, 3, 2, 19, 0, tzinfo=UTC),
    participants=(Participant(name="Änne Groß", role=Role.HOST), Participant(name="Tom Kern", role=Role.EXPERT)),
)
SHOW = Show(id="netz", title="Netz")


def test_a_picture_is_found_by_the_persons_name(tmp_path: Path) -> None:
    """Umlauts are written out in the file's name; who has no picture, or only a link to one, has none."""
    (tmp_path / "aenne-gross.jpg").write_bytes(b"picture")
    (tmp_path / "tom-kern.jpg").symlink_to(tmp_path / "aenne-gross.jpg")
    portraits = Portraits(tmp_path)
    assert portraits.get("Änne Groß") == b"picture"
    assert portraits.get("Tom Kern") is None
    assert Portraits(tmp_path / "none").get("Änne Groß") is None


def test_a_face_is_in_the_thumbnail_and_rubbish_is_not(tmp_path: Path) -> None:
    """A picture changes what is drawn; a file that is no picture leaves the initials."""
    plain = draw_thumbnail(plan_plate(plan_public_session(SESSION, SHOW), Portraits(tmp_path)))
    (tmp_path / "tom-kern.png").write_bytes(b"no picture at all")
    assert draw_thumbnail(plan_plate(plan_public_session(SESSION, SHOW), Portraits(tmp_path))) == plain
    picture = io.BytesIO()
    Image.new("RGB", (200, 300), "yellow").save(picture, "PNG")
    (tmp_path / "aenne-gross.png").write_bytes(picture.getvalue())
    assert draw_thumbnail(plan_plate(plan_public_session(SESSION, SHOW), Portraits(tmp_path))) != plain
