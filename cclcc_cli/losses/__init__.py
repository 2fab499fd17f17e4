"""Loss functions: pure functions of tensors.

Shape letters of the whole project: B images, L of them labelled, U unlabelled, C channels,
K classes, D embedding width, H and W image sides, G patches per side, N = G * G, P patch side.
"""
