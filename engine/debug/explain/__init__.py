"""Why a number has its value: from the definition of the op that computed it, as a whole and line by line."""
