"""The German half of the rehearsal grammar: sentences with slots, and the words that fill them."""

# ruff: noqa: SIM905, RUF005 - many words read better in a row

from __future__ import annotations

MODERATION = (
    "Willkommen zur Expertenrunde.",
    "Die nächste Frage kommt von {name} aus {city}.",
    "Danke {name}, das ist eine gute Frage.",
    "Da stimme ich {name} zu.",
    "{name}, was denken Sie?",
    "Möchte jemand etwas ergänzen?",
    "Guten Abend aus {city}, mein Name ist {name}.",
    "Kommen wir zur nächsten Frage.",
    "Vielen Dank und bis nächste Woche.",
    "Guten Morgen und herzlich willkommen, hier spricht {name} aus {city}.",
    "Unser Thema heute ist {topic}.",
    "Heute sprechen wir über {topic} und {topic}.",
    "Ich bin {name} und arbeite {team}.",
    "Neben mir sitzt {name}, unser Gast aus {city}.",
    "Wir machen jetzt eine kurze Pause von {num} Minuten.",
    "{name} fragt, ob das auch {place} funktioniert.",
    "Diese Frage gebe ich gern an {name} weiter.",
    "Wer von Ihnen kennt dieses Problem?",
    "Dazu haben uns {num} Kunden geschrieben.",
    "Die nächste Sendung läuft am {day} um {num} Uhr.",
    "Wir sehen uns im {month} wieder, bleiben Sie gesund.",
    "Das war die letzte Frage für {when}.",
    "Bitte schreiben Sie Ihre Fragen direkt in den Chat.",
    "Hören wir zuerst {name}, danach {name}.",
    "Kurz gesagt, das ist {quality}.",
)

QUESTIONS = (
    "Wie kann ich meine {obj} {vp}?",
    "Wo kann ich meine {obj} {vp}?",
    "Kann ich meine {obj} {place} {vp}?",
    "Warum kann ich meine {obj} nicht {vp}?",
    "Was kostet die {obj}?",
    "Was passiert, wenn ich meine {obj} nicht {vp} kann?",
    "Wie kann ich meinen {objm} {vp}?",
    "Wo kann ich mein {objn} {vp}?",
    "Muss ich meinen {objm} selbst {vp}?",
    "Darf ich mein {objn} auch {place} {vp}?",
    "Wann wird mein {objm} endlich geliefert?",
    "Warum ist mein {objn} seit {num} Tagen {state}?",
    "Wer hilft mir, wenn meine {obj} {state} ist?",
    "Wie lange dauert es, bis mein {objm} fertig ist?",
    "Welche Unterlagen brauche ich für die {obj}?",
    "Gibt es die {obj} auch {place}?",
    "Wie oft muss ich mein {objn} {vp}?",
    "Warum habe ich im {month} keine {obj} bekommen?",
    "Ist die {obj} wirklich {quality}?",
    "Wohin soll ich meine {obj} schicken?",
    "Kann jemand anderes meinen {objm} {vp}?",
    "Was bedeutet die Meldung auf meinem Bildschirm?",
    "Wie viel kostet ein neuer {objm} pro {per}?",
    "Haben Sie schon einen Plan für {topic}?",
)

ANSWERS = (
    "Sie können Ihre {obj} {place} {vp}.",
    "Öffnen Sie zuerst das Menü und klicken Sie dann auf {btn}.",
    "Die {obj} kostet {num} Euro pro {per}.",
    "Dafür brauchen Sie Ihre {obj}.",
    "Es dauert {num} Tage, bis Sie die {obj} {vp} können.",
    "Das ist {place} leider nicht möglich.",
    "Sie können Ihren {objm} {place} {vp}.",
    "Ihr {objn} können Sie {when} {place} {vp}.",
    "Fragen Sie am besten {helper}, dort hilft man Ihnen {manner}.",
    "Das Angebot gilt bis Ende {month} und ist {quality}.",
    "Ihr {objm} wird am {day} {manner} geprüft.",
    "Wenn Ihr {objn} {state} ist, rufen Sie bitte {helper} an.",
    "Meiner Meinung nach ist das {quality}, aber nicht {quality}.",
    "Wählen Sie oben rechts {btn} und warten Sie {num} Sekunden.",
    "Die Frist endet {num} Wochen nach dem Kauf.",
    "Ab {month} kostet der {objm} nur noch {num} Euro.",
    "Schicken Sie uns die {obj} bitte {manner}.",
    "Wir haben den Fehler {when} gefunden und behoben.",
    "Ihre Daten bleiben dabei {manner} geschützt.",
    "Nein, dafür müssen Sie nichts bezahlen.",
    "Ja, das geht {manner} und ohne weitere Kosten.",
    "Achten Sie darauf, dass Ihre {obj} nicht {state} ist.",
    "In {num} von hundert Fällen genügt ein Neustart.",
    "Am {day} haben wir von {num} bis {num} Uhr geöffnet.",
    "Zu {topic} finden Sie viele Hinweise {place}.",
    "Wer schon Kunde ist, bekommt {num} Prozent Nachlass.",
    "Der alte {objm} ist dann nicht mehr gültig.",
    "Notieren Sie vorher die {num} Ziffern auf der Rückseite.",
    "Sobald die {obj} da ist, erhalten Sie eine Benachrichtigung.",
    "Unsere Kollegen {team} kümmern sich {when} darum.",
)

SLOTS = {
    "name": (
        "Anna Peter Julia Thomas Maria Martin Laura Daniel Sophie Jonas Lukas Emma Felix Hannah Leon Clara Paul Lena "
        "Nina Simon Sarah Stefan Sabine Michael Andrea Frank Monika Oliver Petra Tobias Ingrid Werner Helga Markus "
        "Birgit Christian"
    ).split(),
    "city": (
        "Berlin Hamburg Wien Zürich London München Köln Frankfurt Stuttgart Dresden Leipzig Bremen Hannover Nürnberg "
        "Bonn Kiel Salzburg Graz Basel Bern Genf Paris Madrid Prag Warschau Amsterdam Brüssel Mainz Potsdam Rostock "
        "Augsburg Kassel Erfurt Ulm Münster"
    ).split(),
    "obj": (
        "Rechnung Bestellung Zahlung Lieferadresse Kündigung Nummer Mahnung Gutschrift Garantie Versicherung Lizenz "
        "Anmeldung Sendung Lieferung Karte Datei Nachricht Einladung Vollmacht Buchung Reservierung Quittung "
        "Bankverbindung Unterschrift Anfrage Beschwerde Bewertung Vereinbarung Gebühr Mitgliedschaft Schulung Vorlage"
    ).split(),
    "objm": (
        "Vertrag Tarif Termin Zugang Anschluss Auftrag Rabatt Gutschein Router Drucker Bericht Ausweis Antrag Beleg "
        "Schlüssel Zähler Kalender Rechner Kaufvertrag Umzug"
    ).split(),
    "objn": (
        "Passwort Konto Paket Gerät Postfach Guthaben Profil Formular Handy Abonnement Zertifikat Telefon Protokoll "
        "Netzteil Programm Notizbuch"
    ).split(),
    "vp": (
        "ändern löschen finden herunterladen prüfen sehen kündigen bezahlen verlängern bestätigen drucken speichern "
        "verschicken bearbeiten öffnen sperren kopieren weiterleiten melden aktualisieren stornieren übertragen "
        "einrichten bestellen hochladen beantragen zurückgeben umtauschen unterschreiben reparieren"
    ).split(),
    "place": (
        "in den Einstellungen",
        "im Kundenportal",
        "in der App",
        "im Laden",
        "auf der Startseite",
        "im Hauptmenü",
        "auf der Webseite",
        "in der Filiale",
        "im Archiv",
        "am Telefon",
        "im Büro",
        "in der Werkstatt",
        "auf dem Tablet",
        "in der Übersicht",
        "im Warenkorb",
        "bei der Hotline",
        "am Schalter",
        "im Browser",
        "auf unserem Blog",
        "beim Händler",
    ),
    "btn": "Speichern Weiter Bestätigen Senden Abbrechen Fertig Hinzufügen Zurück Start Hilfe Suchen Entfernen".split(),
    "num": (
        "zehn zwanzig dreißig fünfzig zwei drei vier fünf sechs sieben acht neun elf zwölf fünfzehn vierzig sechzig "
        "siebzig achtzig neunzig"
    ).split(),
    "per": "Monat Jahr Tag Quartal Nutzer Stück".split(),
    "month": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split(),
    "day": "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag".split(),
    "topic": (
        "Datenschutz Sicherheit Energie Internet Finanzen Technik Umwelt Gesundheit Reisen Bildung Software Strom "
        "Heizung Mobilfunk Versand Steuern Rente Wasser Verkehr Forschung"
    ).split(),
    "team": (
        "im Vertrieb",
        "in der Buchhaltung",
        "in der Entwicklung",
        "im Lager",
        "im Marketing",
        "in der Rechtsabteilung",
        "im Einkauf",
        "in der Zentrale",
        "im Außendienst",
        "in der Ausbildung",
    ),
    "when": (
        "heute morgen gestern sofort später jederzeit rechtzeitig nachmittags".split()
        + ["noch diese Woche", "in Kürze", "am Wochenende", "seit Ostern"]
    ),
    "manner": (
        "persönlich schriftlich telefonisch gemeinsam automatisch kostenlos schnell zuverlässig gründlich elektronisch "
        "vertraulich einzeln sorgfältig umgehend"
    ).split(),
    "quality": (
        "einfach schwierig sicher günstig teuer langsam wichtig richtig falsch üblich nützlich ärgerlich praktisch "
        "verständlich dringend sinnvoll erlaubt verboten hilfreich selten"
    ).split(),
    "state": (
        "kaputt gesperrt verschwunden abgelaufen leer blockiert ausgeschaltet defekt unvollständig verspätet "
        "beschädigt unleserlich"
    ).split(),
    "helper": (
        "Ihren Berater",
        "Ihre Bank",
        "unseren Techniker",
        "den Kundendienst",
        "die Verwaltung",
        "den Hersteller",
        "Ihren Vermieter",
        "die Beratungsstelle",
        "unsere Fachleute",
        "den Hausmeister",
        "Ihre Gemeinde",
        "den Verkäufer",
    ),
}
