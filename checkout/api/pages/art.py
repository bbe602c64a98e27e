"""Which drawing stands for a product, and in which colours: told by the words of its name, so that any has one."""

# The first that a name contains, whole words and beginnings of words alike; templates/shop/art.html draws them.
MOTIFS = {
    "tent": ("tent", "tarp", "hammock"),
    "bag": ("sleeping", "quilt", "blanket", "mat"),
    "stove": ("stove", "burner", "cooker", "gas"),
    "mug": ("mug", "cup", "bottle", "flask", "tumbler"),
    "lamp": ("lamp", "lantern", "torch", "light"),
    "chair": ("chair", "stool", "seat"),
    "jacket": ("jacket", "shell", "coat", "fleece", "shirt", "hoodie", "vest"),
    "shoe": ("shoe", "boot", "sneaker", "runner"),
    "pack": ("pack", "backpack", "rucksack", "bag"),
    "record": ("record", "vinyl", "pressing", "lp", "album"),
    "book": ("book", "guide", "map", "novel"),
}
ELSE = "hills"
# Colours: a name that says one has it, else what suits the drawing.
TINTS = {"blue": 0, "red": 1, "orange": 1, "green": 2, "purple": 3, "violet": 3, "midnight": 3, "teal": 4}
_SUITS = {"tent": 2, "stove": 4, "mug": 1, "lamp": 3, "chair": 1, "shoe": 4, "pack": 2, "record": 3, "book": 1, ELSE: 2}


def of(name: str) -> str:
    """Return the drawing for a product of this name."""
    words = _words(name)
    for motif, keys in MOTIFS.items():
        if any(word.startswith(key) and (len(key) > 2 or word == key) for word in words for key in keys):
            return motif
    return ELSE


def tint(name: str) -> int:
    """Return the number of the colours of a product of this name."""
    return next((TINTS[word] for word in _words(name) if word in TINTS), _SUITS.get(of(name), 0))


def _words(name: str) -> list[str]:
    return name.lower().replace("-", " ").replace(",", " ").split()
