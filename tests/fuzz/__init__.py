"""Coverage-guided fuzzing of COPY's reader and of the dialect, by atheris (libFuzzer).

    python -m tests.fuzz.copy_reader --seconds 600
    python -m tests.fuzz.dialect --seconds 600

Either begins with its seeds (seeds/*.txt, one a line, as JSON) and ends at the first input that breaks its promise,
which it prints as a line for that file. `--keep` adds the inputs that reach new code.
"""
