"""Profiles: YAML files that say which customers to simulate, and the scenarios drawn from them."""

from jobs.profiles.check import FileCheck, check_paths
from jobs.profiles.draw import draw_scenarios
from jobs.profiles.files import find_profile, list_profiles, load_profile
from jobs.profiles.made import with_list_functions
from jobs.profiles.problems import Problem, ProfileError
from jobs.profiles.profile import Personality, Profile, Variable

__all__ = [
    "FileCheck",
    "Personality",
    "Problem",
    "Profile",
    "ProfileError",
    "Variable",
    "check_paths",
    "draw_scenarios",
    "find_profile",
    "list_profiles",
    "load_profile",
    "with_list_functions",
]
