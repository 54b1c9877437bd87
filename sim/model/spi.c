// SPDX-License-Identifier: BSD-2-Clause
/*
 * The pins of the flash: turns mode 0 into the bytes of flash.h. A byte is whole with its eighth
 * rising edge, and what comes next is asked for then; its first bit stands on the pin after the
 * falling edge that follows, before the next rising one.
 */
#include "sim.h"

#define FLOATS 0xff /* nobody drives: pulled up */

void spi_reset(struct weft_sim *sim)
{
	struct spi_model *s = &sim->spi;

	if (s->selected)
		weft_flash_select(sim->params.flash, false, sim->now_ns);
	*s = (struct spi_model){ .out = FLOATS };
	*sim->pin.spi_miso = 1;
}

static void select_flash(struct weft_sim *sim, bool on)
{
	sim->spi = (struct spi_model){ .selected = on, .out = FLOATS };
	weft_flash_select(sim->params.flash, on, sim->now_ns);
}

static void edge(struct weft_sim *sim, bool rises)
{
	struct spi_model *s = &sim->spi;

	s->sck = rises;
	if (rises) {
		s->in = (uint8_t)(s->in << 1 | (*sim->pin.spi_mosi & 1));
		if (++s->bits == 8)
			s->next = weft_flash_byte(sim->params.flash, s->in, sim->now_ns);
	} else if (s->bits == 8) {
		s->bits = 0;
		s->out = s->next;
	} else {
		s->out = (uint8_t)(s->out << 1);
	}
}

void spi_drive(struct weft_sim *sim)
{
	const struct weft_pins *p = &sim->pin;

	if (!sim->params.flash)
		return;
	if (!*p->spi_cs_n != sim->spi.selected)
		select_flash(sim, !*p->spi_cs_n);
	if (sim->spi.selected && *p->spi_sck != sim->spi.sck)
		edge(sim, *p->spi_sck);
	*p->spi_miso = sim->spi.out >> 7;
}
