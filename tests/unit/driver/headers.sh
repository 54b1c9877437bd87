#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Each public header compiles alone, and twice, as C and as C++, without warnings. Run from the top of the tree. Prints TAP.
set -u
n=0
failed=0
inc='-Idriver/include -Ihost-lib/include -Ibuild/abi'
for h in driver/include/weft/*.h host-lib/include/*/*.h; do
	for lang in 'c -std=c11' 'c++ -std=c++11'; do
		n=$((n + 1))
		# shellcheck disable=SC2086 # words are meant
		if printf '#include "%s"\n#include "%s"\n' "$PWD/$h" "$PWD/$h" |
				${CC:-gcc} -x $lang -Wall -Wextra -Wpedantic -Werror -fsyntax-only $inc -; then
			echo "ok $n - $h alone as ${lang%% *}"
		else
			echo "not ok $n - $h alone as ${lang%% *}"
			failed=$((failed + 1))
		fi
	done
done
echo "1..$n"
[ "$failed" -eq 0 ]
