"""The recipes are package data: the folder ``recipes`` is installed as ``cclcc_cli/recipes``."""

from setuptools import find_namespace_packages, setup

setup(
    packages=[*find_namespace_packages(include=["cclcc_cli*"]), "cclcc_cli.recipes"],
    package_dir={"cclcc_cli.recipes": "recipes"},
)
