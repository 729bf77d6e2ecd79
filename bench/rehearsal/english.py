"""The English half of the rehearsal grammar: sentences with slots, and the words that fill them."""

# ruff: noqa: SIM905, RUF005 - many words read better in a row

from __future__ import annotations

MODERATION = (
    "Welcome to the expert round table.",
    "Our next question comes from {name} in {city}.",
    "Thank you {name}, that is a good question.",
    "I agree with {name}.",
    "{name}, what do you think?",
    "Does anyone want to add something?",
    "Good evening from {city}, my name is {name}.",
    "Let us move on to the next question.",
    "Thank you and see you next week.",
    "Good morning everybody, this is {name} speaking from {city}.",
    "Our topic today is {topic}.",
    "Tonight we talk about {topic} and {topic}.",
    "I am {name} and I work in {team}.",
    "Sitting beside me is {name}, our guest from {city}.",
    "We now take a short break of {num} minutes.",
    "{name} asks whether this also works in the {place}.",
    "I would like to hand this question over to {name}.",
    "Who among you knows this problem?",
    "About that, {num} customers have written to us.",
    "The following broadcast begins on {day} at {num} o'clock.",
    "We meet again in {month}, stay healthy.",
    "That was the last question for {when}.",
    "Please write your questions directly into the chat.",
    "First we listen to {name}, afterwards to {name}.",
    "In brief, that is {quality}.",
)

QUESTIONS = (
    "How can I {vp} my {obj}?",
    "Where do I {vp} my {obj}?",
    "Can I {vp} my {obj} in the {place}?",
    "Why can I not {vp} my {obj}?",
    "How much does the {obj} cost?",
    "What happens if I {vp} my {obj}?",
    "When will my {obj} finally be delivered?",
    "Should I {vp} the old {device} before the new one arrives?",
    "Why has my {device} been {state} for {num} days?",
    "Who helps me if my {device} is {state}?",
    "How long does it take until my {obj} is ready?",
    "Which documents are needed for the {obj}?",
    "Is there a cheaper {obj} as well?",
    "How often must I {vp} my {device}?",
    "Why did I not receive any {obj} in {month}?",
    "Is the {device} really {quality}?",
    "Where should I send my {obj}?",
    "May someone else {vp} the {obj} for me?",
    "What does the message on my screen mean?",
    "Are there plans regarding {topic}?",
    "Do I have to {vp} every {device} {manner}?",
    "Could you explain the {obj} once more?",
)

ANSWERS = (
    "You can {vp} your {obj} in the {place}.",
    "First open the {place} and then click {btn}.",
    "The {obj} costs {num} euros per {per}.",
    "You need your {obj} for that.",
    "It takes {num} days until you can {vp} the {obj}.",
    "Please {vp} your {obj} and try again.",
    "That is not possible in the {place}.",
    "Simply ask {helper}, they will help you {manner}.",
    "The offer is valid until the end of {month} and it is {quality}.",
    "Your {device} will be tested {manner} on {day}.",
    "If the {device} is {state}, call {helper} {when}.",
    "In my opinion this is {quality}, but not {quality}.",
    "Choose {btn} at the top right and wait {num} seconds.",
    "The deadline ends {num} weeks after the purchase.",
    "From {month} onwards the {device} costs only {num} pounds.",
    "We found the mistake and will fix it {when}.",
    "Your personal data stays protected {manner}.",
    "No, you never pay anything for this service.",
    "Yes, it works {manner} and without further charges.",
    "Make sure that your {device} is not {state}.",
    "In {num} of a hundred cases a restart is enough.",
    "On {day} we are open from {num} to {num}.",
    "There is plenty of advice on {topic} in the {place}.",
    "Existing clients get {num} percent off.",
    "Write down the {num} digits on the back.",
    "As soon as the {obj} is here, you receive a notification.",
    "Our colleagues in {team} look after it {when}.",
    "Keep the {obj} in a safe corner of your home.",
    "Both the {device} and the {device} were {quality}.",
)

SLOTS = {
    "name": (
        "Anna Peter Julia Thomas Maria Martin Laura Daniel Sophie James Lucas Emma Oliver Hannah George Clara Paul "
        "Helen Simon Sarah Steven Rachel Michael Andrea Frank Monica Henry Victoria Kevin Alice Robert Susan Patrick "
        "Emily Brian Grace"
    ).split(),
    "city": (
        "Berlin Hamburg Vienna Zurich London Munich Dublin Glasgow Bristol Oxford Cambridge Liverpool Edinburgh Paris "
        "Madrid Lisbon Rome Athens Prague Warsaw Amsterdam Brussels Boston Chicago Denver Seattle Toronto Sydney "
        "Melbourne Cardiff Geneva Stockholm Oslo Helsinki"
    ).split(),
    "obj": (
        ["delivery address", "bank details", "tax number"]
        + (
            "invoice password account contract subscription order payment receipt refund warranty insurance license "
            "booking ticket parcel reminder discount voucher appointment signature request complaint review agreement "
            "membership template certificate profile file email report statement application reservation"
        ).split()
    ),
    "device": (
        "printer router telephone computer tablet keyboard camera battery charger heater meter boiler fridge oven "
        "scanner speaker monitor cable engine lamp"
    ).split(),
    "vp": (
        "change cancel find delete download check pay extend confirm print save send edit open block copy forward "
        "update transfer install upload return exchange sign repair replace share register export hide rename restore"
    ).split(),
    "place": (
        ["settings", "customer portal", "mobile app", "shop", "main menu", "help section", "start page", "local branch"]
        + "archive office workshop overview basket browser newsletter catalogue handbook library".split()
    ),
    "btn": "save continue confirm submit accept finish back search remove apply cancel next".split(),
    "num": (
        "ten twenty thirty fifty two three four five six seven eight nine eleven twelve fifteen forty sixty seventy "
        "eighty ninety"
    ).split(),
    "per": "month year week quarter user piece hour".split(),
    "month": "January February March April May June July August September October November December".split(),
    "day": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(),
    "topic": (
        "privacy security energy finance technology health travel education software electricity heating shipping "
        "taxes pensions water traffic research nutrition language music"
    ).split(),
    "team": (
        "sales accounting development logistics marketing purchasing training support production administration "
        "engineering design"
    ).split(),
    "when": (
        "today tomorrow soon later immediately".split() + ["this week", "at the weekend", "before Easter", "in autumn"]
    ),
    "manner": (
        (
            "personally automatically quickly carefully separately thoroughly properly regularly twice together "
            "manually remotely"
        ).split()
        + ["free of charge", "by phone", "by post", "in writing"]
    ),
    "quality": (
        "easy difficult safe cheap expensive slow important right wrong common useful annoying practical clear urgent "
        "sensible allowed forbidden helpful rare"
    ).split(),
    "state": (
        "broken locked missing expired empty blocked damaged incomplete delayed unreadable frozen noisy dirty"
    ).split(),
    "helper": (
        "your adviser",
        "your bank",
        "our technicians",
        "customer care",
        "the manufacturer",
        "your landlord",
        "the council",
        "our specialists",
        "the caretaker",
        "the dealer",
        "your neighbours",
        "the hotline",
    ),
}
