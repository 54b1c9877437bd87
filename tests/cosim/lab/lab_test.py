#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs the commands of a walk (lines indented by four blanks), as written, and looks for what each is said to say."""
import os
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..', '..'))
LIMIT = int(os.environ.get('LAB_SECONDS', '5400'))

# What a command must have printed, in the order of the walk: (a part of the command, texts).
EXPECTED = (
    ('weft info', ('firmware',)),
    ('weft fw log', ('slot 1  1.0.0+0', 'slot 2  1.1.0+0', 'running, active', 'slot 3  no image')),
    ('weft fw download --fw fw-1.2.0.img --yes', ('in slot 3, read back and compared',)),
    ('weft fw verify', ('slot 3 holds fw-1.2.0.img',)),
    ('weft fw commit --slot 3', ('tries slot 3',)),
    ('weft reset', ()),
    ('weft fw log', ('slot 3 is on trial',)),
    ('weft fw confirm', ('slot 3 is the active one now',)),
    ('weft fw log', ('security counter 2',)),
    ('weft fw download --fw fw-1.1.0.img', ('refused (COUNTER)', '\nrefused\n')),
    ('weft fw download --fw fw-broken.img', ('in slot 2, read back and compared',)),
    ('weft fw commit --slot 2', ('tries slot 2',)),
    ('weft fw log', ('slot 3  1.2.0+0', 'the last trial, of slot 2, failed')),
    ('weft fw log', ('slot 1  1.0.0+0', 'running')),
    ('weft fw download --fw fw-1.2.0.img --slot 2', ('in slot 2, read back and compared',)),
    ('weft fw confirm', ('slot 2 is the active one now',)),
    ('weft fw log', ('slot 2  1.2.0+0',)),
)


def commands(path):
    with open(path, encoding='utf-8') as f:
        return [line[4:].rstrip() for line in f if line.startswith('    ')]


def run(shell, command, mark, say):
    """Gives a command to the shell and returns what it printed; an error ends the shell, and with it the output."""
    began = time.monotonic()
    say(f'$ {command}\n')
    shell.stdin.write(f'{command}\necho "{mark}"\n')
    shell.stdin.flush()
    said = ''
    while True:
        line = shell.stdout.readline()
        if not line:
            sys.exit(f'lab: failed: {command}')
        if line.strip() == mark:
            break
        said += line
        say(line)
    say(f'  ({time.monotonic() - began:.0f} s)\n')
    return said


def walk(lines, shell):
    left = list(EXPECTED)
    mark = '--- done ---'

    def say(text):
        sys.stdout.write(text)
        sys.stdout.flush()

    for command in lines:
        said = '\n' + run(shell, command, mark, say)
        if left and left[0][0] in command:
            missing = [text for text in left[0][1] if text not in said]
            if not missing:
                left.pop(0)
            elif left[0][0] != 'weft fw log':  # a walk looks at the log more often than is asked for here
                sys.exit(f'lab: "{command}" did not say {missing}')
    if left:
        sys.exit(f'lab: the walk never came to {left[0]}')
    print(f'lab: {len(lines)} commands, {len(EXPECTED)} answers as they should be')


def main():
    lines = commands(os.path.join(ROOT, sys.argv[1]))
    with tempfile.TemporaryDirectory(prefix='weft-lab-') as folder:
        os.symlink(os.path.join(ROOT, 'build'), os.path.join(folder, 'build'))
        env = {**os.environ, 'PATH': os.path.join(ROOT, 'build') + ':' + os.environ['PATH'], 'WEFT_ROM': os.path.join(ROOT, 'build/firmware/rom.elf')}
        signal.alarm(LIMIT)
        with subprocess.Popen(['sh', '-eu'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder, env=env,
                              start_new_session=True) as shell:
            try:
                walk(lines, shell)
            finally:
                os.killpg(shell.pid, signal.SIGKILL)  # the simulator with it


if __name__ == '__main__':
    main()
