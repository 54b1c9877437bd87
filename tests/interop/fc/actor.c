// SPDX-License-Identifier: GPL-2.0
/* The actor: the one thread of control that owns the port's state. */
#include "peer.h"

#define TICK_MS 50

DEFINE_SPINLOCK(actor_lock);
static LIST_HEAD(errands); /* guarded by actor_lock */
static struct sk_buff_head frames;
static struct workqueue_struct *queue;
static struct timer_list timer;
static bool stopping;

static struct errand *next_errand(void)
{
	struct errand *e;
	unsigned long flags;

	spin_lock_irqsave(&actor_lock, flags);
	e = list_first_entry_or_null(&errands, struct errand, node);
	if (e)
		actor_forget_locked(e);
	spin_unlock_irqrestore(&actor_lock, flags);
	return e;
}

/* Errands and frames by turns: neither keeps the other waiting. */
static void work(struct work_struct *w)
{
	struct errand *e;
	struct sk_buff *skb;

	do {
		e = next_errand();
		if (e)
			e->run(e);
		skb = skb_dequeue(&frames);
		if (skb) {
			wire_input(skb);
			consume_skb(skb);
		}
		cond_resched();
	} while (e || skb);
}
static DECLARE_WORK(actor_work, work);

void actor_post_locked(struct errand *e, void (*run)(struct errand *))
{
	if (e->queued)
		return;
	e->queued = true;
	e->run = run;
	list_add_tail(&e->node, &errands);
	queue_work(queue, &actor_work);
}

void actor_post(struct errand *e, void (*run)(struct errand *))
{
	unsigned long flags;

	spin_lock_irqsave(&actor_lock, flags);
	actor_post_locked(e, run);
	spin_unlock_irqrestore(&actor_lock, flags);
}

/* An errand that waits is not run. */
void actor_forget_locked(struct errand *e)
{
	if (e->queued)
		list_del(&e->node);
	e->queued = false;
}

void actor_frame(struct sk_buff *skb)
{
	skb_queue_tail(&frames, skb);
	queue_work(queue, &actor_work);
}

struct waiting {
	struct errand e;
	struct completion done;
	void (*run)(void);
};

static void run_waiting(struct errand *e)
{
	struct waiting *w = container_of(e, struct waiting, e);

	w->run();
	complete(&w->done);
}

void actor_do(void (*run)(void))
{
	struct waiting w = { .run = run };

	init_completion(&w.done);
	actor_post(&w.e, run_waiting);
	wait_for_completion(&w.done);
}

static void tick(struct errand *e)
{
	fip_tick();
	port_tick();
	xchg_tick();
}

static void on_timer(struct timer_list *t)
{
	static struct errand ticking;

	actor_post(&ticking, tick);
	if (!READ_ONCE(stopping))
		mod_timer(&timer, jiffies + msecs_to_jiffies(TICK_MS));
}

int actor_start(void)
{
	skb_queue_head_init(&frames);
	queue = alloc_ordered_workqueue("fcpeer", WQ_MEM_RECLAIM);
	if (!queue)
		return -ENOMEM;
	timer_setup(&timer, on_timer, 0);
	mod_timer(&timer, jiffies + 1);
	return 0;
}

/* Nobody may post any more; what was posted is run. */
void actor_stop(void)
{
	WRITE_ONCE(stopping, true);
	timer_shutdown_sync(&timer);
	drain_workqueue(queue);
	destroy_workqueue(queue);
	skb_queue_purge(&frames);
}
