/* SPDX-License-Identifier: MIT
 *
 * outbox.pml - claim, lease, send, ask: the outbox of one order.
 *
 * Notifiers share a head with MESSAGES messages and talk to a marketplace that
 * may lose requests and answers. Notifiers are killed at any step (KILLS times),
 * stopped past their lease and continued (STOPS), and calls fail (LOSSES).
 * Names are those of the C code; check_model.py looks each of them up there.
 *
 * What must hold, and is asserted:
 *   no double effect  the marketplace never gets a message that it has taken,
 *                     unless a 5xx said that it had not (its 422 is the second
 *                     line of defence, and is asked about)
 *   sequence          nor a later message before an earlier one
 *   no loss           when nothing can go on, all is done and was taken
 *   no deadlock       an invalid end state is an error of spin
 *
 * Taken for granted, and kept by other means than the protocol:
 *   the lease's end is looked at and the first byte leaves in one step
 *   (fits_into_lease(); a process stopped just between the two is the window
 *   that the documentation names); only a stopped process outlives its lease
 *   (time-outs add up to less); a request is in transit for a shorter time
 *   than the settle delay before a state is read.
 *
 * MUTATION takes one of these means away; then spin must find an error.
 */
#ifndef NOTIFIERS
#define NOTIFIERS 2
#endif
#ifndef MESSAGES
#define MESSAGES 2
#endif
#ifndef KILLS
#define KILLS 1
#endif
#ifndef STOPS
#define STOPS 1
#endif
#ifndef LOSSES
#define LOSSES 1
#endif
#define NO_MARK 1       /* sending_since_ms is not committed with the claim */
#define NO_ASK 2        /* an uncertain message is sent again without asking */
#define NO_EPOCH 3      /* results are written whoever has the lease */
#define NO_SETTLE 4     /* the state is read while a request is in transit */
#define LOST_IS_DONE 5  /* a lost answer counts as a good one */
#define NO_RECLAIM 6    /* what dead owners hold stays theirs */
#define NO_DEADLINE 7   /* a call begins also when the lease is over */
#define NO_HEAD 8       /* a message is claimed while another one is taken */
#define FORGETS_MARK 9  /* a retry after a lost answer clears the mark */
#ifndef MUTATION
#define MUTATION 0
#endif

mtype = { QUEUE_CREATED, QUEUE_TAKEN, QUEUE_DONE };
mtype = { HEAD_IDLE, HEAD_READY, HEAD_LEASED };
mtype = { REPLY_DONE, REPLY_RETRY, REPLY_RECONCILE, ERR_UNCERTAIN };

typedef queue_message {
	mtype state;
	bit sending_since_ms; /* set: it may have been sent */
	bit uncertain;        /* HOLD_UNCERTAIN, or its worker was lost */
};

/* The store. */
queue_message outbox[MESSAGES];
mtype head_state = HEAD_READY;
byte lease_epoch;
byte lease_owner;
bit owner_dead; /* its lock file is free */
bit lease_over; /* lease_until_ms has passed */

/* The world. */
bit taken[MESSAGES];      /* by the marketplace */
bit said_5xx[MESSAGES];
byte waiting_epoch[NOTIFIERS]; /* of the call under way, 0: none */
chan wire = [NOTIFIERS] of { byte, byte, byte }; /* message, notifier, epoch */
chan reply[NOTIFIERS] = [1] of { mtype };
byte kills = KILLS, stops = STOPS, losses = LOSSES;

#define PENDING(i) (outbox[i].state == QUEUE_CREATED)
#define MINE(epoch) (lease_epoch == epoch || MUTATION == NO_EPOCH)

/* The oldest message that is not over; MESSAGES: none. */
inline oldest_pending(i)
{
	i = 0;
	do
	:: i < MESSAGES && !PENDING(i) -> i++
	:: else -> break
	od
}

inline settle_head()
{
	oldest_pending(next);
	if
	:: next < MESSAGES -> head_state = HEAD_READY
	:: else -> head_state = HEAD_IDLE
	fi;
	next = 0
}

inline queue_claim(me)
{
	atomic {
		(head_state == HEAD_READY ||
		 (MUTATION == NO_HEAD && head_state == HEAD_LEASED &&
		  lease_owner != me && PENDING(MESSAGES - 1)));
		oldest_pending(m);
		lease_epoch++;
		epoch = lease_epoch;
		lease_owner = me;
		owner_dead = 0;
		lease_over = 0;
		head_state = HEAD_LEASED;
		outbox[m].state = QUEUE_TAKEN;
		earlier_unknown = outbox[m].sending_since_ms;
		ask = outbox[m].uncertain;
		if
		:: MUTATION != NO_MARK -> outbox[m].sending_since_ms = 1
		:: else
		fi
	}
}

/* The result of whoever has lost the lease changes nothing (ERR_STATE). */
inline queue_finish()
{
	d_step {
		if
		:: MINE(epoch) && outbox[m].state == QUEUE_TAKEN ->
			outbox[m].state = QUEUE_DONE;
			outbox[m].sending_since_ms = 0;
			settle_head()
		:: else
		fi
	}
}

inline queue_retry(keep_uncertain, hold_uncertain)
{
	d_step {
		if
		:: MINE(epoch) && outbox[m].state == QUEUE_TAKEN ->
			outbox[m].state = QUEUE_CREATED;
			outbox[m].sending_since_ms =
				keep_uncertain && MUTATION != FORGETS_MARK;
			outbox[m].uncertain =
				hold_uncertain && MUTATION != FORGETS_MARK;
			settle_head()
		:: else
		fi
	}
}

/* SIGKILL: its connection and what it knew are gone, its lock is free. */
#define MAY_DIE \
	:: atomic { kills > 0 -> kills--; goto dies }
/* SIGSTOP for longer than its lease, then SIGCONT. */
#define MAY_STOP \
	:: atomic { stops > 0 && MINE(epoch) && !lease_over -> \
		stops--; lease_over = 1 }

proctype notifier(byte me)
{
	byte m, next, epoch;
	bit earlier_unknown, ask;
	mtype result;

claim:
end_idle:
	queue_claim(me);
	if
	:: ask && MUTATION != NO_ASK -> goto asks
	:: else -> goto sends
	MAY_DIE
	fi;

sends:
	if
	:: atomic { /* fits_into_lease(), and the first byte */
		MUTATION == NO_DEADLINE || (MINE(epoch) && !lease_over) ->
		waiting_epoch[me] = epoch;
		wire!m,me,epoch
	   }
	:: !(MINE(epoch) && !lease_over) && MUTATION != NO_DEADLINE ->
		queue_retry(earlier_unknown, ask); /* nothing was sent */
		goto claim
	:: atomic { losses > 0 -> losses-- } -> /* no connection */
		queue_retry(earlier_unknown, ask);
		goto claim
	MAY_STOP -> goto sends
	MAY_DIE
	fi;

	if
	:: atomic { reply[me]?result -> waiting_epoch[me] = 0 }
	:: atomic { losses > 0 -> losses--; /* time-out */
		waiting_epoch[me] = 0;
		if
		:: reply[me]?_
		:: empty(reply[me])
		fi;
		result = ERR_UNCERTAIN }
	MAY_DIE
	fi;
settles:
	if
	:: result == REPLY_DONE ||
	   (MUTATION == LOST_IS_DONE && result == ERR_UNCERTAIN) ->
		queue_finish()
	:: result == REPLY_RETRY -> queue_retry(1, 0)
	:: result == REPLY_RECONCILE ||
	   (MUTATION != LOST_IS_DONE && result == ERR_UNCERTAIN) ->
		queue_retry(1, 1)
	MAY_STOP -> goto settles
	MAY_DIE
	fi;
	goto claim;

asks: /* after the settle delay, within the same lease */
	if
	:: (empty(wire) || MUTATION == NO_SETTLE) ->
		if
		:: taken[m] -> goto arrived /* ARRIVAL_YES */
		:: else -> goto sends       /* ARRIVAL_NO: PLAN_SEND */
		fi
	:: atomic { losses > 0 -> losses-- } -> /* it could not be read */
		queue_retry(1, 1);
		goto claim
	MAY_STOP -> goto asks
	MAY_DIE
	fi;
arrived:
	if
	:: queue_finish()
	MAY_STOP -> goto arrived
	MAY_DIE
	fi;
	goto claim;

dies:
	atomic {
		waiting_epoch[me] = 0;
		if
		:: nempty(reply[me]) -> reply[me]?_
		:: empty(reply[me])
		fi;
		if
		:: head_state == HEAD_LEASED && lease_owner == me &&
		   lease_epoch == epoch -> owner_dead = 1
		:: else
		fi;
		m = 0;
		epoch = 0;
		earlier_unknown = 0;
		ask = 0
	}
	goto claim /* its supervisor starts it again */
}

/* upkeep.c: any notifier gives back what dead owners hold, and leases that are
 * over. (Those of living owners on its own machine it leaves alone; here all
 * live on different ones.) The message keeps its mark. */
active proctype queue_reclaim()
{
	byte i;

end_waits:
	do
	:: d_step {
		head_state == HEAD_LEASED && MUTATION != NO_RECLAIM &&
		(owner_dead || lease_over) ->
		lease_epoch++;
		head_state = HEAD_READY;
		owner_dead = 0;
		lease_over = 0;
		i = 0;
		do
		:: i < MESSAGES ->
			if
			:: outbox[i].state == QUEUE_TAKEN ->
				outbox[i].state = QUEUE_CREATED;
				outbox[i].uncertain =
					outbox[i].sending_since_ms
			:: else
			fi;
			i++
		:: else -> break
		od;
		i = 0
	   }
	od
}

inline answer(what)
{
	if
	:: waiting_epoch[from] == epoch -> reply[from]!what
	:: else /* nobody waits for it any more */
	fi
}

active proctype marketplace()
{
	byte m, from, epoch;

end_waits:
	do
	:: atomic { wire?m,from,epoch ->
		if
		:: taken[m] ->
			assert(said_5xx[m]); /* no double effect */
			answer(REPLY_RECONCILE) /* 422 */
		:: !taken[m] ->
			assert(m == 0 || taken[m - 1]); /* sequence */
			taken[m] = 1;
			if
			:: answer(REPLY_DONE)
			:: losses > 0 -> losses--; answer(ERR_UNCERTAIN) /* also a gateway's 502 */
			:: losses > 0 -> losses--; said_5xx[m] = 1;
				answer(REPLY_RETRY) /* a 500 that was done all the same */
			fi
		:: !taken[m] && losses > 0 -> /* lost on its way */
			losses--;
			answer(ERR_UNCERTAIN)
		:: !taken[m] && losses > 0 ->
			losses--;
			said_5xx[m] = 1;
			answer(REPLY_RETRY)
		fi;
		m = 0;
		from = 0;
		epoch = 0
	   }
	od
}

init
{
	byte i;

	d_step {
		i = 0;
		do
		:: i < MESSAGES -> outbox[i].state = QUEUE_CREATED; i++
		:: else -> break
		od;
		i = 0
	}
	atomic {
		do
		:: i < NOTIFIERS -> run notifier(i); i++
		:: else -> break
		od;
		i = 0
	}
	/* Nothing can go on: then all of it is over. */
	timeout;
	do
	:: i < MESSAGES ->
		assert(outbox[i].state == QUEUE_DONE && taken[i]);
		i++
	:: else -> break
	od
}
