"""The schema of the hub's database, as numbered migrations.

Owns every table of the families beside this file; the engine's tables stand in `streamhub.store.work_migrations`. A
migration that has been released is never edited: a change is a new one. Instants are text as
`streamhub.timecode.format_instant` writes them, so that order by text is order by time.
"""

from __future__ import annotations

from streamhub.store.migration import Migration

_SCHEDULE = """
create table shows (
    id text primary key,
    title text not null,
    language text not null,
    about text not null,
    moderation text not null,
    publishing text not null
) strict;
create table sessions (
    id text primary key,
    show_id text not null references shows (id),
    title text not null,
    starts_at text not null,
    zone text not null,
    language text not null,
    planned_minutes integer not null,
    state text not null,
    started_at text,
    ended_at text
) strict;
create index sessions_by_show on sessions (show_id, starts_at);
create index sessions_by_state on sessions (state, starts_at);
create table participants (
    session_id text not null references sessions (id) on delete cascade,
    position integer not null,
    name text not null,
    role text not null,
    about text not null,
    primary key (session_id, position)
) strict, without rowid;
"""

_QUESTIONS = """
create table questions (
    id text primary key,
    session_id text not null references sessions (id),
    text text not null,
    asker_name text not null,
    asker_shown text not null,
    asker_place text not null,
    language text not null,
    state text not null,
    source text not null,
    asked_at text not null,
    votes integer not null check (votes >= 0),
    starred integer not null check (starred in (0, 1)),
    topics text not null,
    products text not null,
    note text not null
) strict;
create index questions_by_session on questions (session_id, asked_at);
create unique index questions_one_on_air on questions (session_id) where state = 'on_air';
create table votes (
    question_id text not null references questions (id) on delete cascade,
    voter text not null,
    at text not null,
    primary key (question_id, voter)
) strict, without rowid;
create table marks (
    id integer primary key,
    session_id text not null references sessions (id),
    question_id text not null references questions (id),
    kind text not null,
    at text not null,
    witness text not null,
    author text not null
) strict;
create index marks_by_session on marks (session_id, at);
create index marks_by_question on marks (question_id);
"""

_RECORDINGS = """
create table segments (
    session_id text not null references sessions (id),
    number integer not null,
    path text not null,
    started_at text not null,
    duration_ms integer not null,
    size_bytes integer not null,
    state text not null,
    primary key (session_id, number)
) strict;
create table recordings (
    session_id text primary key references sessions (id),
    path text not null,
    sha256 text not null,
    info text not null,
    clock text not null,
    lost_ms integer not null,
    source text not null
) strict;
"""

_ACCESS = """
create table tokens (
    digest text primary key,
    scope text not null,
    created_at text not null,
    expires_at text not null,
    one_use integer not null check (one_use in (0, 1)),
    used_at text
) strict;
create table logins (
    digest text primary key,
    person text not null,
    role text not null,
    created_at text not null,
    expires_at text not null
) strict;
create table stream_keys (
    session_id text primary key references sessions (id),
    digest text not null unique,
    key text not null
) strict;
"""

_LOG = """
create table log (
    id integer primary key autoincrement,
    at text not null,
    author text not null,
    action text not null,
    object_kind text not null,
    object_id text not null,
    details text not null
) strict;
create index log_by_object on log (object_id, id);
create trigger log_never_changes before update on log begin select raise(abort, 'the log is append-only'); end;
create trigger log_never_shrinks before delete on log begin select raise(abort, 'the log is append-only'); end;
create table applied (
    key text primary key,
    result text not null,
    at text not null
) strict, without rowid;
"""

_PLATFORMS = """
alter table shows add column platform text not null default 'local';
alter table shows add column privacy text not null default 'unlisted';
alter table shows add column direct integer not null default 0 check (direct in (0, 1));
create table broadcasts (
    session_id text not null references sessions (id),
    platform text not null,
    part integer not null check (part >= 1),
    marker text not null unique,
    ref text not null,
    stream_ref text not null,
    chat_ref text not null,
    watch_url text not null,
    phase text not null,
    native_state text not null,
    pending text not null,
    pending_at text,
    applied text not null,
    started_at text,
    ended_at text,
    seen_at text,
    problem text not null,
    problem_details text not null,
    retry_at text,
    tries integer not null check (tries >= 0),
    primary key (session_id, platform, part)
) strict, without rowid;
create table streams (
    platform text not null,
    room integer not null check (room >= 1),
    marker text not null unique,
    ref text not null,
    pending_at text,
    primary key (platform, room)
) strict, without rowid;
create table spending (
    platform text not null,
    day text not null,
    call text not null,
    calls integer not null,
    units integer not null,
    primary key (platform, day, call)
) strict, without rowid;
create table effects (
    session_id text not null references sessions (id),
    platform text not null,
    part integer not null,
    kind text not null,
    name text not null,
    applied text not null,
    ref text not null,
    pending text not null,
    problem text not null,
    problem_details text not null,
    retry_at text,
    tries integer not null check (tries >= 0),
    at text not null,
    primary key (session_id, platform, part, kind, name)
) strict, without rowid;
create table approvals (
    session_id text primary key references sessions (id),
    at text not null,
    author text not null
) strict, without rowid;
create table chat_cursors (
    source text not null,
    ref text not null,
    cursor text not null,
    at text not null,
    primary key (source, ref)
) strict, without rowid;
create table contributions (
    source text not null,
    ref text not null,
    session_id text not null references sessions (id),
    question_id text not null references questions (id),
    author text not null,
    at text not null,
    primary key (source, ref)
) strict, without rowid;
create index contributions_by_question on contributions (question_id);
"""

_QUESTION_LIFE = """
alter table questions add column original text not null default '';
alter table questions add column merged_into text references questions (id);
alter table questions add column place real;
alter table questions add column origin_url text not null default '';
alter table questions add column photo text not null default '';
alter table questions add column version integer not null default 1;
create index questions_by_target on questions (merged_into) where merged_into is not null;
"""

_CURATION = """
alter table shows add column carries_over integer not null default 1 check (carries_over in (0, 1));
alter table questions add column split_from text references questions (id);
alter table questions add column seen integer not null default 0 check (seen in (0, 1));
alter table questions add column for_writing integer not null default 0 check (for_writing in (0, 1));
create table changes (
    id integer primary key,
    session_id text not null references sessions (id),
    at text not null,
    author text not null,
    action text not null,
    question_ids text not null,
    before text not null,
    after text not null,
    undoes integer references changes (id),
    undone_by integer references changes (id)
) strict;
create index changes_by_session on changes (session_id, id);
create table changed_questions (
    question_id text not null references questions (id),
    change_id integer not null references changes (id),
    primary key (question_id, change_id)
) strict, without rowid;
create table carries (
    question_id text not null references questions (id),
    from_session text not null references sessions (id),
    to_session text not null references sessions (id),
    at text not null,
    author text not null,
    primary key (question_id, from_session)
) strict, without rowid;
create index carries_by_origin on carries (from_session);
"""

_ASKING = """
alter table sessions add column call text not null default '';
alter table sessions add column call_until text;
alter table questions add column doubt text not null default '';
alter table votes add column address text not null default '';
create index votes_by_address on votes (question_id, address) where address <> '';
create table suspects (
    question_id text not null references questions (id) on delete cascade,
    voter text not null,
    at text not null,
    address text not null,
    reason text not null,
    verdict text not null,
    primary key (question_id, voter)
) strict, without rowid;
create table spent_puzzles (
    id text primary key,
    at text not null
) strict, without rowid;
"""

_TELLING = """
create table claims (
    question_id text primary key references questions (id) on delete cascade,
    voter text not null,
    at text not null
) strict, without rowid;
create index claims_by_voter on claims (voter, at);
create table followers (
    id text primary key,
    question_id text not null references questions (id) on delete cascade,
    email text not null,
    language text not null,
    kind text not null,
    voter text not null,
    consent text not null,
    at text not null,
    told_at text,
    told_about text not null
) strict;
create unique index followers_once on followers (question_id, email) where email <> '';
create index followers_by_email on followers (email, at) where email <> '';
create index followers_untold on followers (question_id) where told_at is null and email <> '';
create table mails (
    id text primary key,
    kind text not null,
    object text not null,
    version text not null,
    recipient text not null,
    language text not null,
    subject text not null,
    body text not null,
    leave_url text not null,
    state text not null,
    made_at text not null,
    sent_at text,
    message_id text not null,
    tries integer not null check (tries >= 0),
    retry_at text,
    problem text not null,
    edition integer not null
) strict;
create index mails_by_state on mails (state, made_at);
create index mails_by_object on mails (object);
create table verdicts (
    question_id text not null references questions (id) on delete cascade,
    person text not null,
    helped text not null,
    reason text not null,
    at text not null,
    primary key (question_id, person)
) strict, without rowid;
create table reopenings (
    question_id text primary key references questions (id) on delete cascade,
    reopens text not null references questions (id),
    at text not null
) strict, without rowid;
create unique index reopenings_once on reopenings (reopens);
create table erasures (
    question_id text primary key,
    at text not null
) strict, without rowid;
"""

_SOURCES = """
create table sources (
    id text primary key,
    session_id text references sessions (id) on delete cascade,
    kind text not null,
    address text not null,
    active integer not null check (active in (0, 1)),
    added_at text not null,
    read_at text,
    taken integer not null check (taken >= 0),
    skipped text not null,
    problem text not null,
    problem_details text not null,
    failing_since text,
    retry_at text,
    tries integer not null check (tries >= 0),
    unique (session_id, kind, address)
) strict;
create unique index sources_of_the_hub on sources (kind) where session_id is null;
create table additions (
    source text not null,
    ref text not null,
    question_id text not null references questions (id) on delete cascade,
    whole integer not null check (whole in (0, 1)),
    text text not null,
    at text not null,
    primary key (source, ref, whole)
) strict, without rowid;
create index additions_by_question on additions (question_id, at);
create table waiting_contributions (
    source text not null,
    ref text not null,
    contribution text not null,
    at text not null,
    primary key (source, ref)
) strict, without rowid;
create table gone_contributions (
    source text not null,
    ref text not null,
    question_id text not null references questions (id) on delete cascade,
    at text not null,
    primary key (source, ref)
) strict, without rowid;
create index gone_contributions_by_question on gone_contributions (question_id);
create index contributions_by_author on contributions (session_id, author);
"""

_STAGE = """
create table overlays (
    session_id text primary key references sessions (id) on delete cascade,
    nonce text not null,
    made_at text not null
) strict, without rowid;
create table rundowns (
    session_id text primary key references sessions (id) on delete cascade,
    version integer not null,
    automatic integer not null check (automatic in (0, 1))
) strict, without rowid;
create table rundown_topics (
    session_id text not null references rundowns (session_id) on delete cascade,
    position integer not null,
    id text not null unique,
    title text not null,
    planned_minutes integer not null,
    speaker text not null,
    started_at text,
    finished_at text,
    primary key (session_id, position)
) strict, without rowid;
create table producer_notes (
    id text primary key,
    session_id text not null references sessions (id) on delete cascade,
    text text not null,
    author text not null,
    at text not null,
    seen_at text,
    seen_by text not null
) strict;
create index producer_notes_by_session on producer_notes (session_id, at);
"""

_WRITING = """
create table deflections (
    answer_id text not null,
    session_id text not null references sessions (id),
    voter text not null,
    at text not null,
    primary key (answer_id, session_id, voter)
) strict, without rowid;
create index deflections_by_session on deflections (session_id, at);
create index deflections_by_voter on deflections (voter);
create table stories (
    id text primary key,
    question_id text not null references questions (id) on delete cascade,
    voter text not null,
    writer_name text not null,
    writer_shown text not null,
    writer_role text,
    text text not null,
    language text not null,
    state text not null,
    note text not null,
    at text not null,
    unique (question_id, voter)
) strict;
create index stories_by_voter on stories (voter);
create table proposals (
    id text primary key,
    question_id text not null references questions (id) on delete cascade,
    voter text not null,
    writer_name text not null,
    writer_shown text not null,
    writer_role text,
    text text not null,
    digest text not null,
    language text not null,
    state text not null,
    before text not null,
    accepted_for text not null,
    question_before text not null,
    note text not null,
    at text not null
) strict;
create index proposals_by_question on proposals (question_id);
create index proposals_by_voter on proposals (voter);
create unique index proposals_one_accepted on proposals (accepted_for) where state = 'accepted';
"""

_CLUSTERS = """
create table clusters (
    id text primary key,
    session_id text not null references sessions (id) on delete cascade,
    label text not null,
    name text not null,
    central text not null,
    pinned integer not null check (pinned in (0, 1))
) strict, without rowid;
create index clusters_by_session on clusters (session_id);
create table cluster_members (
    question_id text primary key references questions (id) on delete cascade,
    cluster_id text references clusters (id) on delete cascade,
    placed integer not null check (placed in (0, 1))
) strict, without rowid;
create index cluster_members_by_cluster on cluster_members (cluster_id);
"""

_SAFETY = """
alter table additions add column author text not null default '';
alter table erasures add column purged_at text;
alter table mails add column followed text not null default '';
update mails set followed = coalesce(
    (select min(question_id) from followers where told_about = mails.object and email = mails.recipient), '')
    where recipient <> '';
create index mails_by_followed on mails (followed) where followed <> '';
"""

_DEEDS_BESIDE = """
alter table changes add column things_before text not null default '{}';
alter table changes add column things_after text not null default '{}';
"""

_REVIEW = """
create table review_edits (
    id integer primary key,
    session_id text not null references sessions (id) on delete cascade,
    at text not null,
    author text not null,
    action text not null,
    answer_id text not null,
    before text not null,
    after text not null,
    undoes integer,
    undone_by integer
) strict;
create index review_edits_by_session on review_edits (session_id, id);
create index review_edits_by_answer on review_edits (answer_id);
"""

_ALOUD = """
create table aloud_dismissed (
    session_id text not null references sessions (id) on delete cascade,
    start_ms integer not null check (start_ms >= 0),
    at text not null,
    primary key (session_id, start_ms)
) strict, without rowid;
"""

_GLOSSARIES = """
create table glossaries (
    scope text primary key,
    text text not null,
    text_before text not null,
    version integer not null check (version >= 1),
    at text not null,
    author text not null
) strict, without rowid;
"""

_LEARNED = """
create table learned_names (
    edit_id integer not null references review_edits (id) on delete cascade,
    heard text not null,
    said text not null,
    primary key (edit_id, heard, said)
) strict, without rowid;
"""

_VOICES = """
create table voice_names (
    edit_id integer primary key references review_edits (id) on delete cascade,
    session_id text not null references sessions (id) on delete cascade,
    label text not null,
    name text not null
) strict;
create index voice_names_by_session on voice_names (session_id);
"""

_GATE = """
create table consents (
    session_id text not null references sessions (id) on delete cascade,
    person text not null,
    answer_id text not null,
    name text not null,
    given integer not null check (given in (0, 1)),
    at text not null,
    author text not null,
    primary key (session_id, person, answer_id)
) strict, without rowid;
create table successions (
    question_id text primary key references questions (id) on delete cascade,
    successor_id text not null references questions (id) on delete cascade,
    at text not null,
    author text not null
) strict, without rowid;
"""

_OVERHEARD = """
create table overheard (
    session_id text not null references sessions (id) on delete cascade,
    question_id text not null references questions (id) on delete cascade,
    kind text not null check (kind in ('answered', 'over')),
    verdict text not null check (verdict in ('yes', 'no')),
    before text not null,
    marks text not null,
    at text not null,
    author text not null,
    primary key (session_id, question_id, kind)
) strict, without rowid;
"""

_SPOKEN = """
create table spoken_languages (
    session_id text primary key references sessions (id) on delete cascade,
    file text not null,
    told text not null,
    spoken text not null,
    at text not null
) strict;
"""

_PEOPLE = """
create table people (
    id text primary key,
    name text not null,
    role text not null,
    email text not null,
    about text not null,
    organisation text not null,
    language text not null,
    zone text not null,
    topics text not null,
    products text not null,
    speaks text not null,
    most_sessions integer not null check (most_sessions >= 0),
    rest_days integer not null check (rest_days >= 0),
    active integer not null check (active in (0, 1)),
    link_version integer not null,
    calendar_url text not null default '',
    calendar_read_at text,
    calendar_problem text not null default ''
) strict;
create unique index people_by_email on people (email) where email <> '';
create table person_hours (
    person_id text not null references people (id) on delete cascade,
    weekday integer not null check (weekday between 0 and 6),
    hour integer not null check (hour between 0 and 23),
    primary key (person_id, weekday, hour)
) strict, without rowid;
create table absences (
    person_id text not null references people (id) on delete cascade,
    first_day text not null,
    last_day text not null,
    primary key (person_id, first_day, last_day)
) strict, without rowid;
create table busy_times (
    person_id text not null references people (id) on delete cascade,
    starts_at text not null,
    ends_at text not null,
    primary key (person_id, starts_at, ends_at)
) strict, without rowid;
"""

_SERIES = """
create table series (
    show_id text primary key references shows (id) on delete cascade,
    title text not null,
    rhythm text not null check (rhythm in ('weekly', 'monthly')),
    every integer not null check (every >= 1),
    weekdays text not null,
    nth integer not null,
    at text not null,
    zone text not null,
    minutes integer not null,
    first_day text not null,
    last_day text,
    region text not null,
    pauses text not null,
    ahead_weeks integer not null
) strict;
create table series_dates (
    show_id text not null references shows (id) on delete cascade,
    day text not null,
    cancelled integer not null check (cancelled in (0, 1)),
    moved_to text,
    session_id text references sessions (id) on delete set null,
    made_for text,
    primary key (show_id, day)
) strict, without rowid;
"""

_PLANNER = """
create table planner_frame (
    id integer primary key check (id = 1),
    frame text not null,
    at text not null,
    author text not null
) strict;
create table planned_questions (
    session_id text not null references sessions (id) on delete cascade,
    question_id text not null references questions (id) on delete cascade,
    primary key (session_id, question_id)
) strict, without rowid;
create index planned_by_question on planned_questions (question_id);
"""

_INVITATIONS = """
create table invitations (
    session_id text not null references sessions (id) on delete cascade,
    person_id text not null references people (id) on delete cascade,
    role text not null,
    made_at text not null,
    reply text not null check (reply in ('none', 'accepted', 'tentative', 'declined')),
    replied_at text,
    confirmed_at text,
    withdrawn_at text,
    sequence integer not null check (sequence >= 0),
    told text not null,
    note text not null,
    primary key (session_id, person_id)
) strict, without rowid;
create index invitations_by_person on invitations (person_id, session_id);
create table rooms (
    session_id text primary key references sessions (id) on delete cascade,
    url text not null,
    instructions text not null
) strict, without rowid;
create table consent_words (
    session_id text not null references sessions (id) on delete cascade,
    person_id text not null references people (id) on delete cascade,
    purpose text not null check (purpose in ('live', 'recording', 'transcript', 'clips', 'name')),
    given integer not null check (given in (0, 1)),
    text_version text not null,
    at text not null,
    primary key (session_id, person_id, purpose)
) strict, without rowid;
alter table mails add column calendar text not null default '';
"""

_POLLS = """
create table polls (
    session_id text primary key references sessions (id) on delete cascade,
    needed integer not null check (needed >= 1),
    made_at text not null,
    ends_at text not null,
    closed_at text,
    chosen text
) strict, without rowid;
create table poll_options (
    session_id text not null references polls (session_id) on delete cascade,
    starts_at text not null,
    primary key (session_id, starts_at)
) strict, without rowid;
create table poll_people (
    session_id text not null references polls (session_id) on delete cascade,
    person_id text not null references people (id) on delete cascade,
    primary key (session_id, person_id)
) strict, without rowid;
create index poll_people_by_person on poll_people (person_id, session_id);
create table poll_answers (
    session_id text not null,
    person_id text not null,
    starts_at text not null,
    suits text not null check (suits in ('yes', 'if_needed', 'no')),
    primary key (session_id, person_id, starts_at),
    foreign key (session_id, person_id) references poll_people (session_id, person_id) on delete cascade,
    foreign key (session_id, starts_at) references poll_options (session_id, starts_at) on delete cascade
) strict, without rowid;
"""

_AGREEMENTS = """
alter table invitations add column shown_as text not null default '';
alter table consent_words add column again_at text;
update invitations set shown_as = (select name from people where people.id = person_id);
delete from consents where author = 'personal link';
"""

_TECH_CHECKS = """
create table tech_checks (
    person_id text primary key references people (id) on delete cascade,
    verdict text not null check (verdict in ('fine', 'help')),
    at text not null
) strict, without rowid;
"""

_REMINDERS = """
create table reminders (
    session_id text not null references sessions (id) on delete cascade,
    starts_at text not null,
    rung text not null check (rung in ('week', 'day', 'hour', 'five_minutes')),
    outcome text not null check (outcome in ('waiting', 'told', 'late', 'off', 'overtaken')),
    at text,
    people integer not null check (people >= 0),
    primary key (session_id, starts_at, rung)
) strict, without rowid;
create table reminders_off (
    session_id text primary key references sessions (id) on delete cascade,
    at text not null
) strict, without rowid;
"""

_STUDIOS = """
alter table rooms add column view_url text not null default '';
create table show_rooms (
    show_id text primary key references shows (id) on delete cascade,
    url text not null,
    view_url text not null,
    instructions text not null
) strict, without rowid;
"""

_EVENTS = """
create table events (
    id text primary key,
    show_id text not null references shows (id),
    title text not null,
    about text not null,
    zone text not null,
    language text not null,
    cancelled_at text
) strict, without rowid;
create table event_sessions (
    session_id text primary key references sessions (id) on delete cascade,
    event_id text not null references events (id) on delete cascade
) strict, without rowid;
create index event_sessions_by_event on event_sessions (event_id, session_id);
create table pre_shows (
    session_id text primary key references sessions (id) on delete cascade,
    for_session text references sessions (id) on delete cascade,
    for_event text references events (id) on delete cascade,
    check ((for_session is null) <> (for_event is null))
) strict, without rowid;
create index pre_shows_by_session on pre_shows (for_session, session_id);
create index pre_shows_by_event on pre_shows (for_event, session_id);
"""

_NOTICES = """
create table calendar_replies (
    ref text not null,
    session_id text not null,
    person_id text not null,
    at text not null,
    weight text not null,
    reply text not null check (reply in ('none', 'accepted', 'tentative', 'declined')),
    proposed_at text,
    comment text not null,
    primary key (session_id, person_id, ref),
    foreign key (session_id, person_id) references invitations (session_id, person_id) on delete cascade
) strict, without rowid;
create table returned_mails (
    ref text not null,
    mail_id text not null references mails (id) on delete cascade,
    status text not null,
    at text not null,
    primary key (mail_id, ref)
) strict, without rowid;
alter table invitations add column asked_sequence integer not null default 0;
alter table invitations add column name_version integer not null default 1;
update invitations set asked_sequence = sequence;
"""

_CALENDARS = """
update people set calendar_url = '', calendar_read_at = null, calendar_problem = '';
delete from busy_times;
alter table people add column calendar_good_at text;
"""

_KEPT_WORDS = """
create table kept_words (
    session_id text not null references sessions (id) on delete cascade,
    shown_as text not null,
    name text not null,
    purpose text not null check (purpose in ('live', 'recording', 'transcript', 'clips', 'name')),
    given integer not null check (given in (0, 1)),
    text_version text not null,
    at text not null,
    primary key (session_id, shown_as, name, purpose)
) strict, without rowid;
"""

_RENEWED_LINKS = """
alter table invitations add column link_version integer not null default 1;
alter table invitations add column renewed_sequence integer not null default 0;
update invitations set link_version = name_version;
"""

STORE_MIGRATIONS: tuple[Migration, ...] = (
    Migration(number=101, name="shows, sessions and participants", sql=_SCHEDULE),
    Migration(number=102, name="questions, votes and marks", sql=_QUESTIONS),
    Migration(number=103, name="segments and recordings", sql=_RECORDINGS),
    Migration(number=104, name="tokens, logins and stream keys", sql=_ACCESS),
    Migration(number=105, name="the log, and what was applied", sql=_LOG),
    Migration(number=106, name="live platforms: broadcasts, spending, effects and contributions", sql=_PLATFORMS),
    Migration(number=107, name="questions are edited, merged, dragged, and have a version", sql=_QUESTION_LIFE),
    Migration(number=108, name="curation: the journal of changes, splitting, looking at, carrying over", sql=_CURATION),
    Migration(number=109, name="calls for contributions, votes in doubt, spent puzzles", sql=_ASKING),
    Migration(number=110, name="what answers people before they ask, stories and proposed answers", sql=_WRITING),
    Migration(number=111, name="mails, who is told, what helped, what is reopened or erased", sql=_TELLING),
    Migration(number=112, name="sources of sessions, and what comes in beside questions", sql=_SOURCES),
    Migration(number=113, name="topics of questions", sql=_CLUSTERS),
    Migration(number=114, name="the stage: overlays, runs of show, notes to the host", sql=_STAGE),
    Migration(number=115, name="who replied, which mail is whose, what is purged", sql=_SAFETY),
    Migration(number=116, name="the journal of changes knows stories, written answers and topics", sql=_DEEDS_BESIDE),
    Migration(number=118, name="the journal of what is corrected in review", sql=_REVIEW),
    Migration(number=121, name="questions asked aloud that nobody wants", sql=_ALOUD),
    Migration(number=122, name="who agrees to be published, and what took whose place", sql=_GATE),
    Migration(number=125, name="glossaries of shows and of the hub", sql=_GLOSSARIES),
    Migration(number=126, name="names that corrections teach", sql=_LEARNED),
    Migration(number=128, name="what people called the speakers of a show", sql=_VOICES),
    Migration(number=131, name="what hosts said to overheard questions", sql=_OVERHEARD),
    Migration(number=134, name="in which language sessions are spoken", sql=_SPOKEN),
    Migration(number=140, name="people who can be invited, and when they can", sql=_PEOPLE),
    Migration(number=141, name="series of sessions, and their single dates", sql=_SERIES),
    Migration(number=142, name="invitations, rooms, consent by purpose, calendar texts of mails", sql=_INVITATIONS),
    Migration(number=143, name="polls for dates", sql=_POLLS),
    Migration(number=150, name="how sessions are planned, and for which questions", sql=_PLANNER),
    Migration(number=151, name="reminders of sessions, and which want none", sql=_REMINDERS),
    Migration(number=152, name="events of several sessions, and pre-shows", sql=_EVENTS),
    Migration(
        number=153,
        name="guests who were confirmed and do not come",
        sql="alter table invitations add column left_at text;",
    ),
    Migration(number=156, name="answers of calendars, and mails that came back", sql=_NOTICES),
    Migration(number=157, name="calendars of people are kept sealed, with when they were good", sql=_CALENDARS),
    Migration(number=160, name="names that tell guests apart, and consent that is given again", sql=_AGREEMENTS),
    Migration(number=161, name="what people tell of their tech check", sql=_TECH_CHECKS),
    Migration(number=162, name="studios of shows, and where producers get each picture", sql=_STUDIOS),
    Migration(number=163, name="consent of people who are not known any more", sql=_KEPT_WORDS),
    Migration(
        number=164,
        name="what customers want to ask",
        sql="alter table people add column question text not null default '';",
    ),
    Migration(
        number=165,
        name="sessions that were called off as drafts",
        sql="alter table sessions add column unseen integer not null default 0 check (unseen in (0, 1));",
    ),
    Migration(number=167, name="invitations know which personal links they told", sql=_RENEWED_LINKS),
)
