"""Words of service talk that mean the same, per language.

Owns lists of our own, for what people type when they do not know the word that an expert uses. Refuses to know how a
query is weighed; an owner adds words and takes ours away in a file of his own.
"""

from __future__ import annotations

from streamhub.wordforms.analysis import Language

_GERMAN = """
Handy, Smartphone, Mobiltelefon
Auto, Fahrzeug, PKW, Wagen
Computer, Rechner, PC
kaputt, defekt, beschädigt
E-Mail, Mail
Chef, Vorgesetzter
Mitarbeiter, Beschäftigter, Angestellter
Firma, Unternehmen, Betrieb
DSGVO, Datenschutz
Bad, Badezimmer
Preis, Kosten
Rechnung, Abrechnung
Webseite, Website, Homepage, Internetseite
Passwort, Kennwort
WLAN, WiFi
Monitor, Bildschirm
Fernseher, TV
Internet, Netz
Update, Aktualisierung
App, Anwendung
Lieferant, Zulieferer
Urlaub, Ferien
Krankheit, Erkrankung
Arzt, Mediziner
Anwalt, Rechtsanwalt
Lohn, Gehalt
Haustier, Tier
Kündigung, Vertragsende
Gesetz, Vorschrift
Steuerberater, Steuerberatung
KI, künstliche Intelligenz
PV, Photovoltaik, Solaranlage
Umzug, umziehen
Rückruf, zurückrufen
Rückgabe, zurückgeben
Rücktritt, zurücktreten
Anschluss, anschließen
Abschluss, abschließen
Abbruch, abbrechen
Abzug, abziehen
Angebot, anbieten
Einzug, einziehen
Verbot, verbieten
Verlust, verlieren
Diebstahl, stehlen
Hilfe, helfen
Teilnahme, teilnehmen
"""

_ENGLISH = """
mobile, smartphone, cellphone, cell phone
car, vehicle, automobile
computer, PC
broken, defective, faulty
email, mail
boss, manager, supervisor
employee, worker
company, firm, business
GDPR, data protection
bathroom, bath
price, cost
invoice, bill
website, web page, homepage
wifi, wireless
monitor, screen
TV, television
update, upgrade
app, application
supplier, vendor
vacation, holiday
illness, sickness
doctor, physician
lawyer, attorney
salary, wage, pay
AI, artificial intelligence
solar, photovoltaic
phone, telephone
"""

SYNONYMS: dict[Language, str] = {"de": _GERMAN, "en": _ENGLISH}
"""A group a line, words between commas."""
