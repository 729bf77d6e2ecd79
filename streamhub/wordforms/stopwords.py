"""Words that carry no meaning in a query, per language.

Owns the lists, written for questions as people type them. Refuses to know how a query is weighed; the built index
carries its list, so that the browser and Python leave out the same words.
"""

from __future__ import annotations

from streamhub.wordforms.analysis import Language

_GERMAN = """
aber all alle allem allen aller alles als also am an ander andere anderem anderen anderer anderes auch auf aus bei beim
bin bis bist bitte da dabei dadurch dafür daher damit danach daran darauf daraus darf darfst darüber darum das dass
davon davor dazu dein deine deinem deinen deiner dem den denen denn der deren des deshalb dessen dich die dies diese
diesem diesen dieser dieses dir doch dort du durch dürfen eben eigentlich ein eine einem einen einer eines einfach
einmal er es etwa etwas euch euer eure eurem euren eurer falls für gab gar geht gehts gibt gibts gegen genau habe haben
habt hallo halt hat hast hatte hatten hätte hätten hier hin ich ihm ihn ihnen ihr ihre ihrem ihren ihrer im immer in ins
irgend irgendwie ist ja jede jedem jeden jeder jedes jemand jetzt kann kannst kein keine keinem keinen keiner können
könnte könnten könnt lassen lässt mach mache machen macht mal man manche mehr mein meine meinem meinen meiner meines
mich mir mit möchte möchten muss müssen musst müsste nach nicht nichts noch nun nur ob oder ohne richtig sehr sei seid
sein seine seinem seinen seiner selbst sich sie sind so sobald sodass solche soll sollen sollte sollten sondern sonst
sowie sozusagen tue tun tut über um und uns unser unsere unserem unseren unserer unter vielleicht viel vom von vor wann
war waren warum was weil welche welchem welchen welcher welches wem wen wenn wer werde werden wessen weshalb wie wieder
wieso will wir wird wirst wo wobei wodurch wofür wohin womit wollen woran worauf worum wovon wozu wurde wurden würde
würden zu zum zur zwar
"""

_ENGLISH = """
a about after again all also am an and any anybody anyone anything are arent as at be because been before being but by
can cannot cant could couldnt did didnt do does doesnt doing dont each else ever every for from get gets getting give go
goes got had has have havent having he her here hers him his how i id if ill im in into is isnt it its ive just let lets
like made make makes many may me might mine more most much must my need needs no nor not now of off on once one only or
other our ours out over own please really same shall she should shouldnt so some somebody someone something still such
than that thats the their theirs them then there theres these they theyre this those through to too until up upon us use
very want wants was wasnt way we well were what whats when where which while who whom whose why will with within without
wont would wouldnt yes yet you your yours youre
"""

STOP_WORDS: dict[Language, tuple[str, ...]] = {"de": tuple(_GERMAN.split()), "en": tuple(_ENGLISH.split())}
