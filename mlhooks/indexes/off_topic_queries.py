"""Queries about everyday life, and nonsense: what a notebook of research holds nothing about.

Some passage is always the closest one, however far off. How close the closest passage of a
notebook comes to queries like these, which are fluent but about something else or are no words at
all, tells from where on a search by meaning has found something, and below what it has found
nothing close.
"""

import random

# Half of them as people type into a search box, half whole questions, on the same subjects.
EVERYDAY = (
    "sourdough starter too runny",
    "roast chicken resting time",
    "best pan for pancakes",
    "freeze leftover gravy",
    "substitute for buttermilk in scones",
    "vegan birthday cake",
    "sharpen kitchen knives",
    "boil quail eggs minutes",
    "jam not setting",
    "slow cooker beef stew",
    "leaking kitchen tap",
    "unblock shower drain",
    "bleed a radiator",
    "toilet keeps running",
    "low water pressure upstairs",
    "replace bathroom sealant",
    "paint over wallpaper",
    "squeaky floorboards",
    "hang heavy mirror plasterboard",
    "remove limescale kettle",
    "tomato leaves turning yellow",
    "prune climbing roses",
    "slugs eating lettuce",
    "when to plant garlic",
    "lawn moss in spring",
    "compost heap smells",
    "repot orchid",
    "hedgehog house garden",
    "shade plants for balcony",
    "sharpen lawn mower blade",
    "marathon training for beginners",
    "offside rule football",
    "tennis elbow stretches",
    "swimming lessons for adults",
    "bicycle puncture repair",
    "best climbing shoes wide feet",
    "golf grip left handed",
    "yoga for stiff hips",
    "ski boots hurt shins",
    "table tennis bat rubber",
    "cheap flights to Lisbon",
    "carry-on liquids allowance",
    "night train Vienna Venice",
    "campsites near the beach",
    "travel sickness on ferries",
    "passport renewal waiting time",
    "road trip Scotland in October",
    "hotel with cot and highchair",
    "jet lag with a toddler",
    "packing list hiking hut",
    "puppy biting hands",
    "cat scratching the sofa",
    "hamster cage cleaning",
    "dog ate chocolate",
    "kitten vaccinations schedule",
    "rabbit not eating hay",
    "goldfish tank cloudy water",
    "parrot plucking feathers",
    "flea treatment for cats",
    "horse hoof abscess",
    "wedding speech best man",
    "seating plan round tables",
    "bridal bouquet peonies",
    "thank you cards wording",
    "garden wedding rain plan",
    "weekend weather forecast",
    "will it snow at Christmas",
    "knit socks magic loop",
    "crochet granny square",
    "moth holes in jumper",
    "hem curtains by hand",
    "income tax return deadline",
    "claim mileage self-employed",
    "council tax moving house",
    "car won't start cold morning",
    "winter tyres or all-season",
    "sell a used car privately",
    "sand and oil oak table",
    "sagging sofa cushions",
    "piano lessons for children",
    "How do I stop rice from sticking to the bottom of the pot?",
    "What can I cook with chickpeas and a tin of tomatoes?",
    "Why did my sponge cake sink in the middle?",
    "How long does cooked salmon keep in the fridge?",
    "Can I use olive oil instead of butter in brownies?",
    "What is the easiest way to peel a mango?",
    "How much turkey do I need for twelve guests?",
    "Which cheese melts best on a toasted sandwich?",
    "How do you get the smell of garlic off your fingers?",
    "Is it safe to reheat mushrooms the next day?",
    "Why does my dishwasher leave white marks on glasses?",
    "How do I turn off the water before changing a tap?",
    "What should I do when the washing machine won't drain?",
    "Why is only the top half of my radiator warm?",
    "Who do I call about a smell of gas in the hallway?",
    "How can I get candle wax out of a carpet?",
    "What colour should I paint a small dark bedroom?",
    "How do I get rid of mould around the window frames?",
    "Do I need permission to build a shed behind the house?",
    "How often should the chimney be swept?",
    "Which vegetables can I still sow in August?",
    "How do I keep the neighbours' cat out of my flower beds?",
    "Why are there no apples on my tree this year?",
    "When is the right time to cut back lavender?",
    "What eats the buds of my camellia?",
    "How deep should tulip bulbs go into the ground?",
    "Can strawberries grow in a hanging basket?",
    "How do I get a wasp nest out of the attic?",
    "Should I water the grass during a heatwave?",
    "Which houseplants survive in a bathroom without a window?",
    "How many players are there on a volleyball team?",
    "What should I eat before a long bike ride?",
    "How do I teach my daughter to ride a bicycle?",
    "Who won the ladies' final at Wimbledon last summer?",
    "Is it better to run in the morning or after work?",
    "How do I choose the right size of a kayak paddle?",
    "What do I wear to my first ballet class?",
    "How often should I have the strings of my racket replaced?",
    "Where can I take my children ice skating this winter?",
    "Can you do push-ups with a sore wrist?",
    "Do I need a visa for a week in Morocco?",
    "What is there to see in Porto on a rainy day?",
    "How early should I be at the airport with children?",
    "Where can we park the camper van overnight in Norway?",
    "Which seat on the plane is the quietest?",
    "How much should I tip a taxi driver in New York?",
    "What happens if I miss my connecting train?",
    "Can I bring my own sandwiches into the theme park?",
    "Is the water in Greece safe to drink?",
    "Which month is best for seeing whales off Iceland?",
    "Why does my dog bark at the postman?",
    "How do I give a tablet to a cat that spits it out?",
    "How often does a guinea pig need its nails cut?",
    "What should I feed a baby bird that fell from its nest?",
    "Is my old Labrador too heavy for his hips?",
    "Why is my hen laying eggs without shells?",
    "Can two male budgies share a cage?",
    "How do I remove a tick from a dog's ear?",
    "When can kittens leave their mother?",
    "Should a horse wear a rug at night in spring?",
    "Who pays for the rehearsal dinner?",
    "What does a guest wear to an afternoon wedding in a barn?",
    "How do I politely tell relatives that children aren't invited?",
    "How many bottles of sparkling wine do eighty people drink?",
    "When should the invitations be sent out?",
    "Do I need an umbrella in town tomorrow afternoon?",
    "Why is it always windier by the sea in the evening?",
    "Which yarn doesn't itch in a baby blanket?",
    "How do I pick up a dropped stitch three rows down?",
    "What size of needle do I need for denim?",
    "Can I deduct the cost of my home office from my taxes?",
    "What do I do with a parking ticket from another country?",
    "How much money should I put aside for retirement each month?",
    "What does the orange light on my dashboard mean?",
    "How often does the oil in a diesel car need changing?",
    "How do I get a dent out of the car door myself?",
    "How do I stop a wardrobe door from swinging open?",
    "Which mattress is good for somebody who sleeps on their side?",
    "Is my son too old to start learning the violin?",
    "How do I persuade a teenager to practise the trumpet?",
)

_BEGINNINGS = "b bl br cr d dr f fl g gr h j k kl l m n p pl r s sk sl sn st t tr v w z"
_MIDDLES = "a e i o u ai ee oo ou"
_ENDINGS = "b ck d g l m mp n nt p r rk sh t x"
_KEYS = "abcdefghijklmnopqrstuvwxyz"


def gibberish(count: int, seed: int) -> list[str]:
    """Make nonsense queries of one to four words, every other one pronounceable.

    >>> queries = gibberish(4, seed=1)
    >>> queries == gibberish(4, seed=1), queries == gibberish(4, seed=2)
    (True, False)
    """
    chance = random.Random(seed)
    makers = (_pronounceable, _keys)
    return [
        " ".join(makers[k % 2](chance) for _ in range(chance.randint(1, 4))) for k in range(count)
    ]


def _pronounceable(chance: random.Random) -> str:
    syllables = [
        chance.choice(sounds.split())
        for _ in range(chance.randint(2, 3))
        for sounds in (_BEGINNINGS, _MIDDLES)
    ]
    return "".join([*syllables, chance.choice(_ENDINGS.split())])


def _keys(chance: random.Random) -> str:
    return "".join(chance.choice(_KEYS) for _ in range(chance.randint(3, 12)))
