"""A program that is told on stdin what to do, and answers with a line of numbers."""
import subprocess

from world import SANE, Failed


class Worker:
    def __init__(self, argv, env):
        self.argv = argv
        self.process = subprocess.Popen(argv, env={**SANE, **env}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, bufsize=1)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise Failed(f"{' '.join(self.argv)}: ended with {self.process.wait()} at `{line}`; its stderr is above")
        return [int(word) for word in answer.split()]

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()
