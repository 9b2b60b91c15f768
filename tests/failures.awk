# Reads ctest's LastTest.log and prints the tests that did not pass, without the cases in them that
# did: a program of a thousand cases that fails in one is told in the lines of that one.
# A case that never ended (the program died in it) is told too.

/^[0-9]+\/[0-9]+ Testing: / { name = $3; lines = 0; from = 0; output = 0 }
/^Output:$/ { output = 1; next }
/^<end of output>$/ { output = 0 }
output && /^\[ RUN      \] / { from = lines + 1 }
output && /^\[( +OK|  SKIPPED) \] / { if (from) lines = from - 1; from = 0; next }
output && /^\[(==========|----------)\] / { next }
output && NF && !/^-+$/ { text[++lines] = $0 }
/^Test [A-Z].*\.$/ && !/^Test (Passed|Skipped)\.$/ {
  printf "----- %s: %s\n", name, $0
  for (i = 1; i <= lines; i++) print text[i]
}
