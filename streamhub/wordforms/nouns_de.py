"""German nouns that service talk builds compounds from.

Owns a list of our own, written for questions to companies, authorities and experts; the archive teaches the rest.
Refuses to know how compounds are split.
"""

from __future__ import annotations

_NOUNS = """
Abbruch Abend Abfall Abgabe Ablauf Ablesung Abo Abrechnung Abruf Absage Abschlag Abschluss Absender Abstand Abzug
Adapter Adresse Akku Akte Aktion Alarm Alter Amt Anbieter Angebot Anhang Anlage Anleitung Anlieger Anmeldung Annahme
Anruf Anrufer Anschluss Anschrift Ansicht Anspruch Anteil Antenne Antrag Antwort Anwalt Anwendung Anzeige Apotheke App
Arbeit Archiv Art Arzt Assistent Audio Aufenthalt Aufgabe Aufnahme Aufsicht Auftrag Aufwand Aufzeichnung Auge Ausbau
Ausfall Ausfuhr Ausgabe Auskunft Ausland Auslastung Auslöser Ausnahme Auswahl Ausweis Auszug Auto Automat Bad Bahn
Balkon Band Bank Batterie Bau Bauer Baum Beamter Bedarf Bedienung Beginn Begleiter Behandlung Behörde Beispiel Beitrag
Beleg Benutzer Beratung Bereich Bericht Beruf Bescheid Beschwerde Bestand Bestätigung Bestellung Besuch Betrag
Betreiber Betreuung Betrieb Bett Bewerber Bild Bildschirm Bildung Blatt Blech Boden Bogen Bohrer Bonus Boot Box Brand
Brief Browser Bruch Brücke Buch Buchse Buchung Bund Bürger Büro Bus Camping Chat Chip Cloud Code Computer Dach Dämmung
Dampf Datei Daten Datum Dauer Decke Dichtung Dieb Diebstahl Dienst Dienstleister Display Dokument Dose Draht Dreh
Druck Drucker Durchwahl Dusche Ecke Eigentum Eigentümer Eigner Einbau Einbruch Einfuhr Eingabe Eingang Einheit Einkauf
Einkommen Einnahme Einstellung Eintrag Einwilligung Einzug Eis Eisen Elektriker Elektro Eltern Empfang Empfänger Ende
Energie Engpass Entgelt Erbe Erde Erfahrung Ergebnis Erklärung Erlaubnis Ersatz Erstattung Ertrag Etage Experte Export
Fach Fahrer Fahrrad Fahrt Fahrzeug Fall Familie Farbe Faser Fax Feder Fehler Feier Feld Fenster Ferien Festnetz
Festplatte Feuer Filiale Film Filter Firma Fisch Fläche Flasche Flug Folie Form Formular Fortbildung Foto Frage Frau
Freigabe Freiheit Freund Frist Frost Führung Funk Funktion Fuß Gang Garage Garantie Garten Gas Gast Gebäude Gebiet
Gebot Gebühr Gefahr Gehalt Gehäuse Geld Gemeinde Genehmigung Gerät Gericht Geruch Geschäft Geschenk Geschwindigkeit
Gesellschaft Gesetz Gespräch Gesundheit Getränk Gewähr Gewalt Gewerbe Gewicht Gewinn Gitter Glas Gras Grenze Griff
Größe Grund Gruppe Gutachten Guthaben Gutschein Gutschrift Haft Hahn Halle Hand Handel Handwerk Handwerker Handy Haus
Haushalt Haustier Haut Heft Heim Heizer Heizkörper Heizung Helfer Herd Hersteller Hilfe Hinweis Hof Höhe Holz Hörer
Hotline Hund Hut Immobilie Import Industrie Inhaber Inhalt Installation Internet Jahr Job Jugend Kabel Kalender Kamera
Kamin Kammer Kanal Kapazität Karte Kasse Kasten Kauf Käufer Kaution Keller Kennung Kennwort Kennzeichen Kessel Kette
Kind Kirche Kiste Klage Klappe Klasse Klausel Kleid Klima Klingel Klinik Klub Knopf Knoten Kohle Kollege Komfort
Konferenz Konto Kontrolle Kopf Kopie Körper Kosten Kraft Kraftwerk Krankheit Kredit Kreis Kreuz Krise Kühler
Kühlschrank Kunde Kunst Kupfer Kurs Kurve Kurzarbeit Labor Laden Ladung Lager Lampe Land Länge Lärm Last Lastschrift
Lauf Laufwerk Leben Leder Lehrer Leistung Leiter Leitung Licht Lieferant Lieferung Limit Linie Liste Lizenz Loch Lohn
Lösung Luft Lüfter Lüftung Macht Magnet Mahnung Makler Mangel Mann Mappe Marke Markierung Markt Maß Maschine Maßnahme
Material Mauer Maus Medien Medikament Mehrwert Meister Meldung Menge Mensch Merkmal Messe Messung Metall Meter Miete
Mieter Minute Mitarbeiter Mitglied Mittel Möbel Mobil Mobilfunk Modell Modem Modul Monat Montage Motor Müll Muster
Mutter Nachbar Nachlass Nachricht Nacht Nachweis Name Natur Nebenkosten Nebenstelle Netz Netzteil Netzwerk Norm Not
Notar Note Notfall Notiz Nummer Nutzer Nutzung Oberfläche Objekt Ofen Öffnung Öl Option Ordner Ordnung Ort Paar Paket
Panne Papier Park Partei Partner Pass Passwort Patient Pauschale Pause Pedal Pendler Pension Person Personal Pfand
Pfeil Pferd Pflanze Pflege Pflicht Pilot Plan Planung Platte Platz Police Polizei Portal Porto Post Postfach Prämie
Praxis Preis Privat Probe Problem Produkt Profil Programm Projekt Projektor Protokoll Provider Prozess Prüfer Prüfung
Puffer Pumpe Punkt Quelle Quittung Quote Rabatt Rad Radio Rahmen Rand Rat Rate Rauch Raum Reaktion Rechner Rechnung
Recht Rechte Regal Regel Regelung Regen Regierung Register Registrierung Reifen Reihe Reinigung Reise Reparatur
Reserve Rest Rezept Richter Richtlinie Ring Risiko Rohr Rolle Roller Router Rückgabe Rückruf Rückstand Ruf Rufnummer
Ruhe Rundfunk Sache Saft Saison Salz Sammlung Sand Satz Säule Schacht Schaden Schalter Schaltung Scheibe Schein
Schicht Schiene Schild Schimmel Schirm Schlag Schlauch Schloss Schluss Schlüssel Schnee Schnitt Schnittstelle
Schornstein Schrank Schraube Schrift Schritt Schuh Schuld Schule Schüler Schulung Schutz Schwelle Schwerpunkt See
Seite Sekunde Sender Sendung Senior Sensor Server Service Sicherheit Sicherung Sicht Sieb Siegel Signal Sitz Software
Solar Sommer Sonne Sonntag Sorge Sorte Spalte Spannung Spar Speicher Sperre Spiegel Spiel Sport Sprache Spritze Spule
Staat Stab Stadt Stahl Stand Standort Start Station Statistik Status Staub Stecker Stein Stelle Stempel Steuer
Steuerung Stiftung Stimme Stoff Störung Strafe Strahl Strand Straße Strecke Streifen Streit Strom Stück Student Studie
Studio Stufe Stuhl Stunde Sturm Suche System Tabelle Tablet Tafel Tag Tank Tarif Tasche Tastatur Taste Tausch Taxi
Technik Techniker Teil Teilhabe Teilnehmer Telefon Telefonie Teller Temperatur Teppich Termin Terrasse Test Text Thema
Thermostat Tier Tisch Titel Ton Topf Tor Träger Transport Trasse Treiber Treppe Trocknung Tür Turm Übergabe
Überweisung Uhr Umbau Umfang Umlage Umleitung Umsatz Umtausch Umwelt Umzug Unfall Unterlage Unternehmen Unterricht
Unterschrift Urlaub Urteil Vater Ventil Verband Verbindung Verbot Verbrauch Verbraucher Verein Verfahren Verfügung
Vergleich Verkauf Verkäufer Verkehr Verlag Verlängerung Verlauf Verleih Verlust Vermieter Versand Versicherung Version
Versorger Versorgung Vertrag Vertreter Vertrieb Verwalter Verwaltung Verzeichnis Verzicht Verzug Video Vogel Volk
Vollmacht Vorgang Vorlage Vorlauf Vorrat Vorsorge Vorteil Vortrag Vorwahl Waage Wache Wagen Wahl Wald Wand Ware Wärme
Wartung Wäsche Wasser Watt Wechsel Weg Weise Welle Welt Werbung Werk Werkstatt Wert Wetter Widerruf Widerspruch Wiese
Wind Winkel Winter Wirkung Wirt Wirtschaft Wissen Woche Wohnung Wort Wunde Wunsch Zahl Zähler Zahlung Zahn Zange Zaun
Zeichen Zeichnung Zeile Zeit Zeitraum Zeitung Zelle Zelt Zentrale Zentrum Zettel Zeuge Zeugnis Ziel Zimmer Zins Zoll
Zone Zubehör Zucker Zug Zugang Zukunft Zulassung Zusage Zusatz Zuschlag Zuschuss Zustand Zustellung Zweck Zweig
"""

SERVICE_NOUNS: tuple[str, ...] = tuple(_NOUNS.split())
