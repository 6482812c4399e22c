"""The judge: a model that looks at finished conversations, and is believed only with evidence.

Each call looks at one conversation and one question; nothing is compared, so there is no order to depend on.
"""

from jobs.judge.evidence import ADDRESSES_A_JUDGE
from jobs.judge.judge import Judge, judge_open_goals, judge_stamp
from jobs.judge.model import Judgements, JudgeModel
from jobs.judge.questions import answer_questions

__all__ = [
    "ADDRESSES_A_JUDGE",
    "Judge",
    "JudgeModel",
    "Judgements",
    "answer_questions",
    "judge_open_goals",
    "judge_stamp",
]
