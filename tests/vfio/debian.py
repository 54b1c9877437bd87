# SPDX-License-Identifier: BSD-2-Clause
"""Packages of Debian 13, fetched and unpacked in a folder of their own: nothing is installed.

apt works on lists and a state kept here, so it neither needs root nor cares which release
this machine runs. What was made of the packages is cached in ~/.cache/weft (XDG_CACHE_HOME)
and outlives `make clean`; only making it needs a network."""
import contextlib
import fcntl
import functools
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(1, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                                'interop'))

from kernel import Unavailable  # noqa: E402 (the path above leads to it)

CACHE = os.path.join(os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache'), 'weft',
                     'vfio')
RELEASE, BACKPORTS = 'trixie', 'trixie-backports'
ARCHIVE = 'http://deb.debian.org/debian'
KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'


def run(command, **kw):
    """Runs a command; returns what it prints, or raises with all that it said."""
    # A make that runs us does not share its jobs with one that we run.
    env = {k: v for k, v in os.environ.items() if not k.startswith(('MAKE', 'MFLAGS'))}
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False, **kw)
    if done.returncode:
        raise Unavailable('%s: exit %d\n%s' % (' '.join(command), done.returncode,
                                               (done.stdout + done.stderr)[-4000:]))
    return done.stdout


def mirror():
    """The archive that this machine already uses, so that its proxy or mirror is used too."""
    for path in sorted(glob.glob('/etc/apt/sources.list.d/*')) + ['/etc/apt/sources.list']:
        with contextlib.suppress(OSError, UnicodeDecodeError), open(path) as f:
            for uri in re.findall(r'^(?:URIs:|deb(?: \[[^]]*\])?) +(\S+/debian)/?(?:\s|$)',
                                  f.read(), re.M):
                return uri
    return ARCHIVE


class Apt:
    """apt with a root of its own, in which no package is installed: whole closures resolve."""

    def __init__(self, folder, owner=None):
        """owner: removes the folder when it goes."""
        self.folder, self.owner = folder, owner
        for name in 'lists/partial', 'archives/partial':
            os.makedirs(os.path.join(folder, name), exist_ok=True)
        for program in 'apt-get', 'apt-cache', 'dpkg':
            if not shutil.which(program):
                raise Unavailable('%s is not there: packages of Debian cannot be had' % program)
        with open(os.path.join(folder, 'sources.list'), 'w') as f:
            for suite in RELEASE, BACKPORTS:
                f.write('deb [signed-by=%s] %s %s main\n' % (KEYRING, mirror(), suite))
        with open(os.path.join(folder, 'status'), 'w'):
            pass
        self.apt('apt-get', '-qq', 'update')

    def apt(self, program, *words):
        options = {
            'Dir::Etc::SourceList': os.path.join(self.folder, 'sources.list'),
            'Dir::Etc::SourceParts': '/dev/null', 'Dir::Etc::Preferences': '/dev/null',
            'Dir::Etc::PreferencesParts': '/dev/null',
            'Dir::State': self.folder, 'Dir::State::Lists': os.path.join(self.folder, 'lists'),
            'Dir::State::status': os.path.join(self.folder, 'status'), 'Dir::Cache': self.folder,
            'APT::Architecture': 'amd64', 'APT::Install-Recommends': 'false',
            'APT::Sandbox::User': 'root', 'Acquire::Languages': 'none',
            'Debug::NoLocking': 'true',
        }
        words = [*words[:1], *[w for k, v in options.items() for w in ('-o', k + '=' + v)],
                 *words[1:]]
        return run([program, *words], cwd=self.folder)

    def depends(self, package, pattern):
        """The name among the dependencies of a package that fits the pattern."""
        shown = self.apt('apt-cache', '--no-all-versions', 'show', package)
        found = re.search(r'^Depends:.*?\b(%s)' % pattern, shown, re.M)
        if not found:
            raise Unavailable('%s depends on nothing like %s' % (package, pattern))
        return found.group(1)

    def download(self, package):
        """The file of one package."""
        self.apt('apt-get', '-q', 'download', package)
        return glob.glob(os.path.join(self.folder, package + '_*.deb'))[0]

    def closure(self, package, suite):
        """The files of a package and of all it depends on, down to the C library."""
        self.apt('apt-get', '-qq', 'install', '-y', '--download-only', '-t', suite, package)
        return sorted(glob.glob(os.path.join(self.folder, 'archives', '*.deb')))


@functools.lru_cache(maxsize=None)
def apt():
    """One apt for all that this process fetches: its lists are loaded once."""
    folder = tempfile.TemporaryDirectory(prefix='apt.', dir=CACHE)
    return Apt(folder.name, folder)


def unpack(files, folder):
    for file in files:
        run(['dpkg', '-x', file, folder])


def lock(file):
    """Waits until no other run holds the file."""
    fcntl.flock(file, fcntl.LOCK_EX)


def cached(name, make):
    """The folder NAME of the cache. When it is not there make(folder, scratch) fills it first:
    a folder is whole or absent, whatever is killed, and two runs at once make it once."""
    os.makedirs(CACHE, exist_ok=True)
    final, partial, scratch = (os.path.join(CACHE, name + end) for end in ('', '.new', '.tmp'))
    with open(os.path.join(CACHE, name + '.lock'), 'w') as held:
        lock(held)
        if not os.path.isdir(final):
            for folder in partial, scratch:
                shutil.rmtree(folder, ignore_errors=True)
                os.makedirs(folder)
            print('# preparing %s, once' % final, flush=True)
            make(partial, scratch)
            shutil.rmtree(scratch)
            os.rename(partial, final)
    return final
