"""Constants that several methods take over from SSL4MIS.

SSL4MIS (github.com/HiLab-git/SSL4MIS, scripts ending in _2D) carries Mean Teacher, UA-MT, CPS,
ICT, URPC and entropy minimisation over to medical images with one set of constants: weight 0.1,
teacher 0.99, a sigmoid ramp. Its ramp takes the whole budget (``ramp_up: 1``); here all methods
rise over the same third, so that groups do not differ by their schedules. Its supervised loss is
the mean of cross-entropy and Dice, ours their sum, so a weight of 0.1 counts half as much here as
there.
"""

from fractions import Fraction

RAMP = Fraction(1, 3)
"""Share of the budget over which a method's weights rise."""
