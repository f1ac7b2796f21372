#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random programs with threads, each a function of its own: the same ones for one seed.

usage: random_programs.py FIRST COUNT FILE MAIN

MAIN calls those of FILE, and is a file of its own: an analysis of FILE takes each of them by itself. What they print does not depend on timing. Some forget a thread on some way out, and some leave one that waits for what
never comes: the process ends over it.
"""
import random
import sys

HEAD = """\
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <threads.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

struct work {
	int in, out;
	int *gate; /* it waits until this is set */
};

static void work_wait(const struct work *work)
{
	pthread_mutex_lock(&lock);
	while (work->gate && !*work->gate)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

static inline void gate_open(int *gate)
{
	pthread_mutex_lock(&lock);
	*gate = 1;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}
"""


class Program:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.name = "p%d" % seed
        self.c11 = seed // 25 % 4 == 3
        self.text = []
        self.gated = False

    def chance(self, probability):
        return self.random.random() < probability

    def pick(self, *choices):
        return self.random.choice(choices)

    # ---- calls ----

    @property
    def handle(self):
        return "thrd_t" if self.c11 else "pthread_t"

    def create(self, handle, argument, entry="entry"):
        entry = "%s_%s" % (self.name, entry)
        if self.c11:
            return "thrd_create(%s, %s, %s)" % (handle, entry, argument)
        return "pthread_create(%s, %s, %s, %s)" % (handle, self.pick("NULL", "NULL", "0"), entry, argument)

    def join(self, handle, value="NULL"):
        return "%s(%s, %s)" % ("thrd_join" if self.c11 else "pthread_join", handle, value)

    def failed(self, call):
        if self.c11:
            return self.pick("%s != thrd_success", "thrd_success != %s") % call
        return self.pick("%s", "%s != 0", "0 != %s") % call

    # ---- entries ----

    def step(self):
        return self.pick(
            "work->out = work->in * %d + %d;" % (self.random.randrange(2, 9), self.random.randrange(9)),
            "work->out = work->in ^ %d;" % self.random.randrange(1, 64),
            "for (int i = 0; i < %d; i++)\n\t\twork->out += work->in + i;" % self.random.randrange(2, 6),
            "pthread_mutex_lock(&lock);\n\twork->out = work->in - 1;\n\tpthread_mutex_unlock(&lock);",
        )

    def entry(self, name="entry", inner=""):
        result, ending = ("int", "thrd_exit(3)") if self.c11 else ("void *", "pthread_exit(work)")
        value = self.pick("0", "work->out & 15") if self.c11 else self.pick("NULL", "arg", "work")
        lines = ["struct work *work = arg;", ""]
        if self.gated:
            lines.append("work_wait(work);")
        lines.append(self.step())
        if self.chance(0.3):
            lines.append("if (work->out %s %d)\n\t\t%s;" % (self.pick("<", ">"), self.random.randrange(20), ending))
        lines.append(inner)
        lines.append("return %s;" % value)
        self.function("%s%s_%s(void *arg)" % (result if result[-1] == "*" else result + " ", self.name, name), lines)

    def function(self, head, lines):
        self.text.append("\nstatic %s\n{\n" % head)
        self.text += ["\t%s\n" % line if line else "\n" if line == "" and at == 1 else "" for at, line in enumerate(lines)]
        self.text.append("}\n")

    # ---- ways ----

    def failure(self):
        return self.pick("return -1;", "return -1;", "return -2;", "exit(3);", "goto out;", "{\n\t\tputs(\"no thread\");\n\t\treturn -1;\n\t}")

    def start(self, handle, argument, failure=None, entry="entry"):
        """A spawn with its test, as lines; what it declares comes first."""
        call = self.create(handle, argument, entry)
        failure = failure or self.failure()
        zero = "thrd_success" if self.c11 else "0"
        return self.pick(
            "if (%s)\n\t\t%s" % (self.failed(call), failure),
            "if (%s)\n\t\t%s" % (self.failed(call), failure),
            "rc = %s;\n\tif (rc != %s)\n\t\t%s" % (call, zero, failure),
            "if ((rc = %s) != %s)\n\t\t%s" % (call, zero, failure),
        )

    def finish(self, handle, sum_of):
        if self.chance(0.25):
            failure = self.pick("return -3;", "puts(\"no join\");")
            return "if (%s)\n\t\t%s\n\tsum += %s;" % (self.failed(self.join(handle)), failure, sum_of)
        return "%s%s;\n\tsum += %s;" % (self.pick("", "", "(void)"), self.join(handle), sum_of)

    def between(self):
        """What happens while the thread runs: also ways out that forget it."""
        return self.pick(
            "",
            "",
            "sum += n;",
            "if (n == %d)\n\t\treturn 5;" % self.random.randrange(4),
            "if (n == %d)\n\t\tgoto out;" % self.random.randrange(4),
            "if (n > 9)\n\t\texit(4);",
            "for (int k = 0; k < n; k++) {\n\t\tif (k == 1)\n\t\t\tcontinue;\n\t\tsum += k;\n\t}",
            "switch (n) {\n\tcase 1:\n\t\tsum += 10;\n\t\tbreak;\n\tcase 2:\n\t\treturn sum;\n\tdefault:\n\t\tbreak;\n\t}",
        )

    def opened(self):
        return "gate_open(&gate);" if self.gated else ""

    def body(self, lines, declared=()):
        """The function that main calls; n counts the calls. What its threads use outlives it."""
        text = "\n\t".join(line for line in lines if line)
        head = ["static struct work all[4][8];", "struct work *work = all[n];", *declared, "int sum = 0;"]
        if self.gated:
            head.insert(0, "static int gates[4];")
        if "rc" in text.replace("src", ""):
            head.append("int rc;")
        if self.gated:
            text = text.replace("&gate)", "&gates[n])")
        fill = "for (int i = 0; i < 8; i++)\n\t\twork[i] = (struct work){ i + n, 0, %s };" % (
            "&gates[n]" if self.gated else "NULL"
        )
        lines = head[:1] + head[1:] + [fill, text]
        if "goto out" in text:
            lines.append("\nout:")
        lines.append("return sum;")
        self.text.append("\nint %s(int n)\n{\n" % self.name)
        for at, line in enumerate(lines):
            if line == fill:
                self.text.append("\n")
            self.text.append(line[1:] + "\n" if line == "\nout:" else "\t%s\n" % line)
        self.text.append("}\n")

    # ---- shapes ----

    def single(self):
        self.entry()
        lines = [self.start("&t", "&work[0]"), self.between(), self.opened(), self.between(), self.finish("t", "work[0].out")]
        if self.chance(0.3):  # in a block of its own
            inner = "\n\t".join(line for line in lines if line).replace("\n", "\n\t")
            self.body([self.pick("if (n != 3) {", "{") + "\n\t\t%s t;\n\n\t\t%s\n\t}" % (self.handle, inner), self.between()])
        else:
            self.body([self.between(), *lines, self.between()], ["%s t;" % self.handle])

    def two(self):
        self.entry()
        lines = [
            self.start("&a", "&work[0]"),
            self.between(),
            self.start("&b", "&work[1]", self.pick("{\n\t\t%s;\n\t\treturn -1;\n\t}" % self.join("a"), None)),
            self.between(),
            self.opened(),
        ]
        joins = [self.finish("a", "work[0].out"), self.finish("b", "work[1].out")]
        if self.chance(0.5):
            joins.reverse()
        declared = self.pick(["%s a, b;"], ["%s a;", "%s b;"])
        self.body(lines + joins, [line % self.handle for line in declared])

    def value(self):
        self.entry()
        kind, use = ("int", "value") if self.c11 else ("void *", "value != NULL")
        self.body(
            [
                self.start("&t", "&work[0]"),
                self.opened(),
                self.between(),
                "%s;" % self.join("t", "&value"),
                "sum += work[0].out + (%s);" % use,
            ],
            ["%s t;" % self.handle, "%s%svalue = 0;" % (kind, "" if kind[-1] == "*" else " ")],
        )

    def loops(self, handle, address, count):
        start = self.start(address, "&work[i]", self.pick("return -1;", "break;", "exit(3);", "return -1;"))
        start = start.replace("\n", "\n\t")
        lines = []
        if "break;" in start:
            lines.append("for (i = 0; i < %s; i++) {\n\t\t%s\n\t}" % (count, start))
            started = "i"
        else:
            lines.append("for (i = 0; i < %s; i++) {\n\t\t%s\n\t}" % (count, start))
            started = count
        lines += [self.opened(), self.between()]
        finish = self.finish(handle.replace("[i]", "[j]"), "work[j].out").replace("\n", "\n\t")
        if self.chance(0.3):
            lines.append("for (int j = %s - 1; j >= 0; j--) {\n\t\t%s\n\t}" % (started, finish))
        else:
            lines.append("for (int j = 0; j < %s; j++) {\n\t\t%s\n\t}" % (started, finish))
        return lines

    def array(self):
        self.entry()
        count = self.pick("3", "4", "8")
        self.body(self.loops("t[i]", self.pick("&t[i]", "t + i"), count), ["%s t[8];" % self.handle, "int i;"])

    def heap(self):
        self.entry()
        size = self.pick("sizeof(*t)", "sizeof(%s)" % self.handle)
        make = self.pick("malloc(4 * %s)", "calloc(4, %s)") % size
        lines = self.loops("t[i]", "&t[i]", "4")
        self.body(
            ["t = %s;\n\tif (!t)\n\t\treturn -1;" % make, *lines, "free(t);"],
            ["%s *t;" % self.handle, "int i;"],
        )

    def fields(self):
        self.text.append("\nstruct %s_worker {\n\t%s thread;\n\tint unused;\n};\n" % (self.name, self.handle))
        self.entry()
        lines = self.loops("w[i].thread", "&w[i].thread", "3")
        self.body(lines, ["struct %s_worker w[3];" % self.name, "int i;"])

    def rounds(self):
        self.entry()
        inner = [
            self.pick("", "if (i == n)\n\t\tcontinue;"),
            self.start("&t", "&work[i]", self.pick("break;", "return -1;", "continue;")),
            self.opened(),
            self.pick("", "if (i == 2 && n == 1)\n\t\tbreak;"),
            self.finish("t", "work[i].out"),
        ]
        inner = "\n\t".join(line for line in inner if line).replace("\n", "\n\t")
        self.body(["for (int i = 0; i < 4; i++) {\n\t\t%s t;\n\n\t\t%s\n\t}" % (self.handle, inner)])

    def nested(self):
        gated, self.gated = self.gated, False
        self.entry("leaf")
        self.gated = gated
        one = "%s t;\n\t\t\tstruct work leaf = { work->out, 0, NULL };\n\n\t\t\t" % self.handle
        one += "if (%s)\n\t\t\t\treturn %s;\n" % (self.failed(self.create("&t", "&leaf", "leaf")), "1" if self.c11 else "NULL")
        one += "\t\t\t%s;\n\t\t\twork->out += leaf.out;" % self.join("t")
        self.entry("entry", "for (int i = 0; i < 2; i++) {\n\t\t\t%s\n\t}" % one.replace("\t\t\t", "\t\t"))
        self.body(self.loops("t[i]", "&t[i]", "3"), ["%s t[3];" % self.handle, "int i;"])

    def held(self):
        self.entry()
        where = self.pick("static", "field")
        if where == "static":
            self.text.append("\nstatic %s %s_thread;\n" % (self.handle, self.name))
            place, parameters, arguments = "%s_thread" % self.name, "struct work *work", "work"
        else:
            self.text.append("\nstruct %s_held {\n\t%s thread;\n\tstruct work *work;\n};\n" % (self.name, self.handle))
            place, parameters, arguments = "held->thread", "struct %s_held *held, struct work *work" % self.name, "&held, work"
        zero = "thrd_success" if self.c11 else "0"
        create = self.create("&" + place, "work")
        self.function(
            "int %s_start(%s)" % (self.name, parameters),
            self.pick(
                ["return %s == %s ? 0 : -1;" % (create, zero)],
                ["if (%s)" % self.failed(create), "\treturn -1;", "return 0;"],
            ),
        )
        stop = parameters.replace(", struct work *work", "").replace("struct work *work", "void")
        self.function("void %s_stop(%s)" % (self.name, stop), ["%s;" % self.join(place)])
        self.body(
            [
                "if (%s_start(%s))\n\t\treturn -1;" % (self.name, arguments),
                self.opened(),
                self.pick("", "sum += n;"),
                "%s_stop(%s);" % (self.name, arguments.replace(", work", "").replace("work", "")),
                "sum += work[0].out;",
            ],
            [] if where == "static" else ["struct %s_held held;" % self.name],
        )

    def generate(self):
        shapes = [self.single, self.single, self.two, self.value, self.array, self.array, self.heap, self.fields]
        shapes += [self.rounds, self.nested, self.held]
        shape = self.random.choice(shapes)
        # Threads that run on when the function returns still find their gate and work.
        self.gated = self.chance(0.3)
        shape()
        return "".join(self.text)


def main():
    first, count = int(sys.argv[1]), int(sys.argv[2])
    seeds = range(first, first + count)
    with open(sys.argv[3], "w") as file:
        file.write(HEAD + "".join(Program(seed).generate() for seed in seeds))
    with open(sys.argv[4], "w") as file:
        file.write("#include <stdio.h>\n\n")
        file.write("".join("int p%d(int n);\n" % seed for seed in seeds))
        file.write("\nint main(void)\n{\n\tfor (int n = 0; n < 4; n++) {\n")
        file.write("".join('\t\tprintf("p%d(%%d) %%d\\n", n, p%d(n));\n' % (seed, seed) for seed in seeds))
        file.write("\t}\n\treturn 0;\n}\n")


main()
