"""Queries to which no notebook on research has an answer: questions of daily life, and noise.

They are about other things, and the noise is made otherwise, than those an index is calibrated by
(embeddings/everyday.py), so that the calibration is not measured on what it was made from.
"""

from collections.abc import Iterator
from random import Random

OFF_TOPIC = (
    "how do stage magicians saw a lady in half",
    "why do judges wear wigs",
    "how heavy is a bishop's mitre",
    "which beads belong on a rosary",
    "how do I recognise a forged banknote",
    "what does a lighthouse keeper do all day",
    "what is a ventriloquist's dummy made of",
    "how do clowns make balloon animals",
    "who rings the church bells at noon",
    "is it rude to arrive early at a dinner party",
    "what do you say at the funeral of a colleague",
    "how deep is a grave dug",
    "which tartan belongs to my clan",
    "how does a goldsmith resize a ring",
    "how do I remove the squeak from leather shoes",
    "what shade of lipstick goes with red hair",
    "how to braid long hair into a crown",
    "does perfume last longer on the wrist or the neck",
    "what is a good length for a winter coat",
    "how to fold a paper crane",
    "how do tattooists choose their ink",
    "why do bagpipes drone",
    "when do swallows come back in spring",
    "what do owls hunt at dusk",
    "how to tell a crow from a raven",
    "why do geese fly in a wedge",
    "do hedgehogs sleep through the winter",
    "what should I do if a wasp stings my tongue",
    "how to stop a nosebleed in a toddler",
    "when does a baby cut its first tooth",
    "why does my newborn hiccup so much",
    "which lullaby calms a crying infant",
    "how to cure my daughter's fear of thunderstorms",
    "at what age may children walk to school alone",
    "what to give a godchild for confirmation",
    "fun games for a birthday with ten seven-year-olds",
    "how do you play hopscotch",
    "how many cards are dealt in rummy",
    "what beats a full house in poker",
    "why is it called a hat trick",
    "how does a sumo wrestler lose a bout",
    "what does a conductor's baton weigh",
    "how do fortune tellers read tea leaves",
    "how long can a pearl diver hold her breath",
    "which zodiac sign goes with Scorpio",
    "what it means to dream of falling teeth",
    "how do sword swallowers practise",
    "who was the youngest pope",
    "what is the plot of Swan Lake",
    "can you drink water from a mountain stream",
    "where to see the northern lights in March",
    "which month has the most shooting stars",
    "why does the moon look bigger near the horizon",
    "what is the tide like at Mont Saint-Michel",
    "how do I tie a bowline on a sailing boat",
    "what bait catches trout in a lake",
    "do I need a licence to fish from the pier",
    "how to whistle with two fingers",
    "how do opera singers protect their voice",
    "which songs suit a choir of beginners",
    "how are church organs tuned",
    "what is the waltz rhythm",
    "where to sit in the theatre for the best view",
    "who wrote the play about two tramps waiting",
    "what colour are the curtains in the royal opera",
    "how to frame an old oil painting",
    "what is my grandmother's brooch worth",
    "how to polish tarnished silver spoons",
    "is this vase really from the Ming dynasty",
    "which saint is the patron of travellers",
    "when does Lent begin this year",
    "what do people eat at a Passover supper",
    "how long does the fast last during Ramadan",
    "which flowers are unlucky in a hospital room",
    "do I have to tell my landlord about a lodger",
    "how much notice must a tenant give",
    "what does a notary charge for a will",
    "who inherits when there are no children",
    "how do barbers strop a razor",
    "is the post office open on Good Friday",
    "how many stamps does a letter to Canada need",
    "what to wear to a job interview at a bank",
    "how do I ask my boss for Friday afternoon off",
    "what is a fair rent for a room by the sea",
    "how do I get the neighbours to turn down their music",
    "does snoring get worse with age",
    "how to cure hay fever without pills",
    "what helps against a sore throat before a speech",
    "should I see a dentist about bleeding gums",
    "how long is chickenpox contagious",
    "which glasses suit a round face",
    "why do my knees crack when I squat",
    "how long do bruises stay blue",
    "which wine goes with venison",
    "how long does champagne keep once opened",
    "what is the difference between ale and lager",
    "how to open a coconut without a hammer",
    "how is goat cheese made on a farm",
    "how do beekeepers get the honey out",
    "when are chestnuts ripe for roasting",
)

SEED = 23
SYLLABLES = ("bro", "lun", "vask", "tri", "gop", "mez", "wul", "drin", "faq", "yob", "kes", "plu")
ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def gibberish(count: int) -> Iterator[str]:
    """Yield so many queries of one to five words that are none: the same ones each time."""
    random = Random(SEED)
    for _ in range(count):
        yield " ".join(_word(random) for _ in range(random.randint(1, 5)))


def _word(random: Random) -> str:
    """Return syllables that can be said, letters that cannot, or fingers gone over a keyboard."""
    kind, length = random.random(), random.randint(4, 10)
    if kind < 0.4:
        return "".join(random.choices(SYLLABLES, k=random.randint(2, 4)))
    if kind < 0.7:
        return "".join(random.choices("abcdefghijklmnopqrstuvwxyz", k=length))
    row = random.choice(ROWS)
    start = random.randrange(len(row))
    return (row[start:] + row)[:length]
