/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Limits add no deadlock: the argument, over all programs of a bounded size.
 *
 * A program is up to TASKS tasks (the first one is main) that do up to ACTIONS things each, chosen freely: open a scope
 * of limit 1 or 2, spawn into a scope that one owns or is inside of, join a task one may join, join one's scope. Each
 * scope is joined before its opener ends: that is the structure that the runtime enforces. Nothing else waits.
 *
 * Claim: every such program ends, whatever the interleaving (no invalid end state), no scope has more tasks with a slot
 * than its limit, and no task is left in a queue. What the runtime does for it:
 *
 *   the owner waits for a slot, a task inside of the scope only queues    without: -DBLOCK_INSIDE
 *   joining a queued task starts it, over the limit                       without: -DNO_CLAIM
 *   a join that closes a cycle of joins is refused, EDEADLK               without: -DNO_CYCLES
 *
 * Without any one of them spin finds a program that hangs; test/runtime/model.test sees to both.
 */
#ifndef TASKS
#define TASKS 4
#endif
#ifndef SCOPES
#define SCOPES 2
#endif
#ifndef ACTIONS
#define ACTIONS 3
#endif
#define NONE 255

mtype = { UNUSED, QUEUED, RUNNING, ENDED };

mtype state[TASKS];
byte home[TASKS];   /* the scope that a task is in; main: NONE */
bool slot[TASKS];   /* has a slot of its scope */
byte joiner[TASKS]; /* the task that waits in ss_task_join for it, or NONE */
bool joined[TASKS];

byte opener[SCOPES]; /* the owner, or NONE: not open */
byte limit[SCOPES], running[SCOPES], alive[SCOPES];

/* yes = is task `who` in scope `s`, or in a scope that such a task opened? */
inline is_inside(who, s)
{
	walk = who;
	yes = false;
	do
	:: walk == NONE || home[walk] == NONE -> break
	:: else ->
		if
		:: home[walk] == s -> yes = true; break
		:: else -> walk = opener[home[walk]]
		fi
	od;
	walk = 0
}

/* yes = does `target` wait for `who`? Up from `who`: the task in a join for it, and the opener of its scope, which has to
 * join the scope some day. Tasks that were found are bits of `found`. */
inline waits_for(target, who)
{
	found = 1 << who;
	before = 0;
	do
	:: found == before -> break
	:: else ->
		before = found;
		walk = 0;
		do
		:: walk == TASKS -> break
		:: else ->
			if
			:: found & (1 << walk) ->
				if
				:: joiner[walk] != NONE -> found = found | (1 << joiner[walk])
				:: else
				fi;
				if
				:: home[walk] != NONE && opener[home[walk]] != NONE ->
					found = found | (1 << opener[home[walk]])
				:: else
				fi
			:: else
			fi;
			walk++
		od
	od;
	yes = (found >> target) & 1;
	walk = 0;
	found = 0;
	before = 0
}

/* A new task in scope `s`: `started` says whether it got a slot. */
inline add_task(s, started)
{
	walk = 1;
	do
	:: state[walk] == UNUSED -> break
	:: else -> walk++
	od;
	home[walk] = s;
	alive[s]++;
	slot[walk] = started;
	if
	:: started -> running[s]++; assert(running[s] <= limit[s]); state[walk] = RUNNING
	:: else -> state[walk] = QUEUED
	fi;
	walk = 0
}

#define ALL_USED (state[TASKS - 1] != UNUSED)
#if SCOPES == 2
#define CAN_OPEN (opener[0] == NONE || opener[1] == NONE)
#else
#define CAN_OPEN (opener[0] == NONE || opener[1] == NONE || opener[2] == NONE)
#endif

proctype task(byte me)
{
	byte left = ACTIONS, mine = NONE, s = 0, other = 0, walk = 0, found = 0, before = 0;
	bool yes = false;

end:	state[me] == RUNNING;
	do
	:: left == 0 -> break
	:: left > 0 -> break
	/* open a scope */
	:: atomic { left > 0 && mine == NONE && CAN_OPEN ->
		left--;
		mine = 0;
		do
		:: opener[mine] == NONE -> break
		:: else -> mine++
		od;
		opener[mine] = me;
		if
		:: limit[mine] = 1
		:: limit[mine] = 2
		fi }
	/* join one's scope */
	:: atomic { left > 0 && mine != NONE -> left-- };
		atomic { alive[mine] == 0 -> assert(running[mine] == 0); opener[mine] = NONE; mine = NONE }
	/* spawn as the owner: wait for a slot */
	:: atomic { left > 0 && mine != NONE && !ALL_USED -> left-- };
		if
		:: atomic { running[mine] < limit[mine] && !ALL_USED -> add_task(mine, true) }
		:: ALL_USED
		fi
	/* spawn from inside of the scope: queue */
	:: atomic { left > 0 && !ALL_USED ->
		left--;
		select(s : 0 .. SCOPES - 1);
		is_inside(me, s) };
		if
		:: !yes
#ifdef BLOCK_INSIDE
		:: atomic { yes && running[s] < limit[s] && !ALL_USED -> add_task(s, true) }
		:: yes && ALL_USED
#else
		:: atomic { yes ->
			if
			:: ALL_USED
			:: !ALL_USED && running[s] < limit[s] -> add_task(s, true)
			:: !ALL_USED && running[s] >= limit[s] -> add_task(s, false)
			fi }
#endif
		fi
	/* join a task of a scope that one owns or is inside of */
	:: atomic { left > 0 ->
		left--;
		select(other : 1 .. TASKS - 1);
		yes = false;
		if
		:: state[other] != UNUSED && !joined[other] && joiner[other] == NONE ->
			if
			:: opener[home[other]] == me -> yes = true
			:: opener[home[other]] != me && opener[home[other]] != NONE -> is_inside(me, home[other])
			:: opener[home[other]] == NONE
			fi
		:: else
		fi;
		if
		:: yes ->
#ifndef NO_CYCLES
			waits_for(other, me);
			yes = !yes;
#else
			yes = other != me;
#endif
		:: else
		fi;
		if
		:: yes ->
			joiner[other] = me;
#ifndef NO_CLAIM
			if
			:: state[other] == QUEUED -> state[other] = RUNNING
			:: else
			fi
#endif
		:: else
		fi };
		if
		:: !yes
		:: atomic { yes && state[other] == ENDED -> joiner[other] = NONE; joined[other] = true }
		fi
	od;

	/* no task leaves a scope open */
	if
	:: atomic { mine != NONE && alive[mine] == 0 -> opener[mine] = NONE }
	:: mine == NONE
	fi;
	atomic {
		state[me] = ENDED;
		if
		:: home[me] != NONE ->
			alive[home[me]]--;
			if
			:: slot[me] -> running[home[me]]--
			:: else
			fi
		:: else
		fi
	}
}

/* Slots that are free go to queued tasks, at any time and in any order: the runtime's own order is one of them. */
proctype runtime()
{
	byte which = 1;

end:	do
	:: atomic { state[1] == QUEUED && running[home[1]] < limit[home[1]] -> which = 1; goto start }
#if TASKS > 2
	:: atomic { state[2] == QUEUED && running[home[2]] < limit[home[2]] -> which = 2; goto start }
#endif
#if TASKS > 3
	:: atomic { state[3] == QUEUED && running[home[3]] < limit[home[3]] -> which = 3; goto start }
#endif
#if TASKS > 4
	:: atomic { state[4] == QUEUED && running[home[4]] < limit[home[4]] -> which = 4; goto start }
#endif
	od;
start:	atomic {
		if
		:: state[which] == QUEUED && running[home[which]] < limit[home[which]] ->
			running[home[which]]++;
			slot[which] = true;
			state[which] = RUNNING
		:: else
		fi
	};
	goto end
}

init
{
	byte i;

	atomic {
		for (i : 0 .. TASKS - 1) {
			state[i] = UNUSED;
			home[i] = NONE;
			joiner[i] = NONE
		}
		for (i : 0 .. SCOPES - 1) {
			opener[i] = NONE
		}
		state[0] = RUNNING;
		run runtime();
		for (i : 0 .. TASKS - 1) {
			run task(i)
		}
	};
	/* main ends last: it joined its scope, which joined what is below */
	state[0] == ENDED;
	for (i : 1 .. TASKS - 1) {
		assert(state[i] == UNUSED || state[i] == ENDED)
	}
}
