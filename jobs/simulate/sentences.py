"""What a simulated customer can say: English sentences to choose from, by what they do and how often that was tried."""

AS_I_SAID = "As I said: {it}"
ARE_YOU_THERE = "Hello, are you there?"
THAT_ONE = "{it}, please."
GREETINGS = ("Hi!", "Hello!", "Hi there!", "Hello,", "Hi,", "Hey,", "Good day,", "Hello there,")
BARE_GREETINGS = ("Hi!", "Hello!", "Hi there!", "Hey!", "Hello there!")
WANT_THING = (
    (
        "I'd like {it}, please.",
        "Can I get {it}, please?",
        "Could I have {it}, please?",
        "I would like {it}.",
        "I want {it}, please.",
    ),
    (
        "What I'd like is {it}.",
        "Let me try again: {it}, please.",
        "I'll put it differently: I want {it}.",
        "I mean {it}, please.",
    ),
    ("It's simple: {it}.", "Once more: I want {it}.", "All I want is {it}."),
)
WANT_THING_TOO = (
    (
        "I'd also like {it}.",
        "And {it}, please.",
        "Plus {it}, please.",
        "Could you add {it}?",
        "Then {it} as well, please.",
    ),
    *WANT_THING[1:],
)
WANT_TO = (
    ("I'd like to {it}.", "I want to {it}, please.", "Can I {it}, please?", "I need to {it}.", "I'm trying to {it}."),
    (
        "What I want is to {it}.",
        "Let me try again: I need to {it}.",
        "Is it possible to {it}?",
        "Let me say it like this: I'd like to {it}.",
    ),
    ("Once more: I want to {it}.", "All I want is to {it}.", "Please help me to {it}."),
)
WANT_TO_TOO = (
    ("I'd also like to {it}.", "And I want to {it}, please.", "I also need to {it}.", "Can I also {it}?"),
    *WANT_TO[1:],
)
SPELLED_OUT = (
    "{thing}: {details}.",
    "To spell it out, {thing}: {details}.",
    "Let me list it, {thing}: {details}.",
)
ANSWERS = ("{it}, please.", "{it}.", "{it}, thanks.", "I'd like {it}.", "{it} please.")
ANSWERS_AGAIN = ("{label}: {it}.", "The {label} should be {it}.", "For the {label} I want {it}.", "I said {it}.")
AFFIRM = (
    (
        "Yes, please.",
        "Yes, that's right.",
        "Yes, perfect.",
        "Yep, go ahead.",
        "Yes, that's correct, thanks.",
        "Sure, go ahead.",
        "Correct, please go ahead.",
    ),
    ("Yes, please go ahead.", "I said yes, that's correct.", "Yes, that is right.", "Okay, yes, do it."),
    ("Yes.", "Yes, I confirm.", "Go ahead, please."),
)
AFFIRM_BUT = ("That's right so far. {more}", "Yes, and one more thing: {more}", "Correct. {more}")
MISSING = (
    (
        "No, you forgot {it}.",
        "Not quite, {it} {is} missing.",
        "Hold on, you left out {it}.",
        "Almost, but you forgot {it}.",
    ),
    ("No, {it} {is} still missing.", "I'm sorry, but {it} {is} still missing.", "You still forgot {it}."),
)
WRONG = (
    (
        "No, I asked for {it}, not {other}.",
        "Not quite: {it}, not {other}.",
        "Sorry, I said {it}, not {other}.",
        "No, it should be {it} instead of {other}.",
    ),
    ("It's still wrong, I want {it}, not {other}.", "No, please make it {it} instead of {other}."),
)
UNWANTED = (
    (
        "No, I didn't want that: without {other}, please.",
        "Not quite: please remove {other}.",
        "Sorry, no {other}, please.",
    ),
    ("There's still something wrong, no {other}, please.", "Please remove {other}, I didn't order that."),
)
ACCEPT = (
    "All right, never mind. Please go ahead.",
    "Okay, it doesn't matter, go ahead.",
    "Well, okay. Please go ahead then.",
)
CHANGE = (
    (
        "Actually, I changed my mind: {it} instead of {other}, please.",
        "Sorry, I've changed my mind. Please make it {it} instead of {other}.",
        "Oh, could you make it {it} instead of {other}?",
    ),
    ("I meant to change that: {it} instead of {other}, please.", "Please change it to {it}, not {other}."),
)
DECLINE = ("No, thank you.", "No thanks.", "No, that's not necessary.", "Not today, thanks.")
UNSURE = (
    "I'm not sure, to be honest.",
    "I don't know, sorry.",
    "No idea, sorry.",
    "It doesn't matter to me.",
    "I have no preference.",
)
WAIT = ("Sure, take your time.", "Okay, I'll wait.", "No problem.", "All right.")
RECAP = (
    (
        "Could you sum up my {order} for me?",
        "Can you confirm what you have down for my {order}?",
        "Could you read my {order} back to me?",
    ),
    ("Can you repeat my {order}, please?", "Before we finish: what is in my {order} so far?"),
)
CLOSE = (
    "That's all, thanks. Bye!",
    "No, that's all. Thank you, bye!",
    "Great, thank you. Have a nice day!",
    "Thanks a lot, goodbye!",
    "Perfect, thanks for your help. Bye!",
    "That's everything, thank you very much. Bye!",
)
CLOSE_DISAPPOINTED = (
    "Okay, thanks anyway. Bye!",
    "All right, that's all then. Goodbye!",
    "Okay, never mind. Thanks, bye.",
)
BEFORE_YES = ("Before I say yes:", "Just a moment,", "One question first:", "Before you do that,")
LEADS = ("And", "Also,", "By the way,", "Oh, and")
COST = (
    (
        "How much will {topic} cost?",
        "What's the price{of}?",
        "How much is {topic}?",
        "Could you tell me the price{of}?",
        "What will {topic} cost me?",
    ),
    ("What's the total price{of}?", "How much do I have to pay{of}?", "What does {topic} cost?"),
    ("I'd like to know the price{of}. What is it?", "How much money is that?"),
)
COST_OF_IT = (
    (
        "How much will it cost?",
        "How much will that be?",
        "What's the price?",
        "What does that come to?",
        "How much do I have to pay?",
    ),
    ("What will it cost me?", "Could you tell me the price?", "What's the total?"),
    ("I'd like to know the price. How much is it?", "How much do I owe you?"),
)
LONG = (
    (
        "How long will {topic} take{tail}?",
        "How long does {topic} take{tail}?",
        "Roughly how much time will {topic} take{tail}?",
        "How long is {topic} going to take{tail}?",
    ),
    ("How long do I have to wait for {topic}?", "What's the waiting time for {topic}?", "When can I expect {topic}?"),
    (
        "I just want to know the time it takes. How long do I have to wait?",
        "How many minutes, hours or days will {topic} take?",
    ),
)
ARRIVES = (
    (
        "How long will {topic} take to {verb}?",
        "How long until {topic} {verbs}?",
        "When will {topic} {verb}?",
        "How long is it going to take until {topic} {verbs}?",
    ),
    ("What's the waiting time for {topic}?", "When can I expect {topic}?", "How long do I have to wait for {topic}?"),
    ("Let me ask differently: how many minutes until {topic} {verbs}?", "How soon can {topic} {verb}?"),
)
DIRECT = (
    ("{q}?", "Quick question: {q}?", "I was wondering, {q}?", "Can I ask something? {Q}?", "One question: {q}?"),
    ("Let me ask differently: {q}?", "What I'd like to know is this: {q}?", "Maybe I wasn't clear. {Q}?"),
    ("It's about {topic}. {Q}?", "Once more: {q}?"),
)
EMBEDDED = (
    ("Could you tell me {q}?", "Do you know {q}?", "I'd like to know {q}.", "Can you tell me {q}, please?"),
    ("Let me ask differently: could you tell me {q}?", "I'm trying to find out {q}.", "What I need to know is {q}."),
    ("My question is {q}.", "Please tell me {q}."),
)
ABOUT_THING = (
    (
        "Could you tell me {q}?",
        "I'd like to know {q}.",
        "Can you give me {q}, please?",
        "I have a question about {q}.",
        "I need to know {q}.",
    ),
    ("Let me ask differently: what can you tell me about {q}?", "What I need is {q}.", "Do you have {q} for me?"),
    ("It's about {q}. Can you help me with that?", "Please tell me about {q}."),
)
PREAMBLES = (
    "I hope your day is going well, I've been meaning to get in touch all week and finally found a quiet moment.",
    "It has been quite a long day at work and I've only just come home, so I hope I'm making sense.",
    "A good friend recommended you the other week and I've been looking forward to trying it ever since.",
    "I don't do this very often, so I hope I'm telling you everything in the way that you need it.",
)
AFTERTHOUGHTS = (
    "I talked it over with my family and we all agreed on it, even though that took us longer than usual.",
    "I know that you must be very busy at this hour, so I'm grateful that somebody is there at all.",
    "I'd really appreciate your help, because the last time I tried it somewhere else it didn't go well at all.",
    "There's no need to hurry, I'd rather have it done properly than quickly.",
    "That would make my evening, which has been rather eventful up to now.",
)
