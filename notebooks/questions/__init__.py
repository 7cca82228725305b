"""What analysts ask of the star schema, as Amazon Redshift SQL: one object a question, in the module of its subject.

Each answers one question from the star schema. A play is a row of songplays, matched or not, so songs and artists go
by the log's own names. Every order is total: ties go by name. An average is a DOUBLE PRECISION to one decimal; counts
that are summed again are INTEGER, as the SUM of BIGINTs is a DECIMAL. A literal % is doubled.
"""

from notebooks.questions import favourites, times, users

QUESTIONS = times.QUESTIONS + favourites.QUESTIONS + users.QUESTIONS
