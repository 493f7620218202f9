"""Print the table of 2/pi in src/_periodic.pxi: 48 bits of it from every 16th on, each as a fraction of 1.

Run it with the test dependencies installed: python tools/two_over_pi.py
"""

from mpmath import floor, mp, pi

STEP, WIDTH, COUNT = 16, 48, 80

if __name__ == "__main__":
    mp.prec = STEP * COUNT + 2 * WIDTH
    pieces = [int(floor(2 / pi * 2 ** (STEP * k + WIDTH))) % 2**WIDTH for k in range(COUNT)]
    for k in range(0, COUNT, 5):
        print(" ".join(f"{piece / 2**WIDTH!r}," for piece in pieces[k : k + 5]))
