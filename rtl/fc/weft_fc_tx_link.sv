// SPDX-License-Identifier: BSD-2-Clause
// weft_fc_tx_link: buffer-to-buffer credit both ways, the primitive sent, and what firmware is told of the link.
// Credit: FC_CREDIT sets it and what it can grow to; a frame takes one, an R_RDY received gives one back.
// R_RDY: one is owed per buffer freed. A link reset gives the other port all its credit back, so what is owed is forgotten when PRIM becomes
// something else than IDLE, or the mode changes; buffers freed after that count again.
// EVT_FC_LINK: in native mode, when signal or primitive are not what was last told (at first: none, IDLE). After an event the next one rests
// until firmware has read FC_STATUS, or 8,192 cycles: a link that flaps does not fill the event queue.
// Latency: a change shows in FC_STATUS after one cycle, an event after two more. Back-pressure: none.
module weft_fc_tx_link (
	input  logic         clk,
	input  logic         rst,
	input  logic         native,
	input  logic [2:0]   prim,
	output logic         may,       // frames may start
	input  logic         credit_wr,
	input  logic [15:0]  credit_val,
	output logic         credit_ok,
	input  logic         credit_use,
	output logic [31:0]  status,
	input  logic         status_rd,
	// FC-1 port
	input  logic         fc_signal,
	input  logic [2:0]   fc_rx_prim,
	input  logic         fc_rx_rrdy,
	output logic         fc_tx_rrdy_valid,
	input  logic         fc_tx_rrdy_ready,
	output logic [2:0]   fc_tx_prim,
	input  logic         rrdy_valid,
	// event
	output logic         ev_valid,
	output logic [95:0]  ev,
	input  logic         ev_ready
);
	localparam logic [15:0] OFF = weft_eng_pkg::FC_CREDIT_OFF[15:0];
	localparam logic [2:0]  P_IDLE = weft_eng_pkg::FCP_IDLE[2:0];

	// credit to send
	logic [15:0] credit, granted;
	assign credit_ok = credit != 16'd0;
	always_ff @(posedge clk) begin
		if (credit_wr) {granted, credit} <= {2{credit_val}};
		else if (granted != OFF) begin
			if (credit_use && !fc_rx_rrdy) credit <= credit - 16'd1;
			if (fc_rx_rrdy && !credit_use && credit != granted) credit <= credit + 16'd1;
		end
		if (rst) {granted, credit} <= '0;
	end

	// R_RDY to send
	logic [15:0] owed;
	logic        give, up, up_q;
	assign up = native && prim == P_IDLE;
	assign may = up;
	assign give = up && owed != 16'd0 && (!fc_tx_rrdy_valid || fc_tx_rrdy_ready);
	always_ff @(posedge clk) begin
		up_q <= up;
		if (up_q && !up) owed <= '0;
		else if (rrdy_valid && native && !give && owed != 16'hffff) owed <= owed + 16'd1;
		else if (!rrdy_valid && give) owed <= owed - 16'd1;
		if (fc_tx_rrdy_ready) fc_tx_rrdy_valid <= 1'b0;
		if (give) fc_tx_rrdy_valid <= 1'b1;
		fc_tx_prim <= native ? prim : P_IDLE;
		if (rst) begin
			up_q <= 1'b0;
			owed <= '0;
			fc_tx_rrdy_valid <= 1'b0;
			fc_tx_prim <= P_IDLE;
		end
	end

	// status and event
	logic [3:0]  now, told;
	logic [13:0] rest;
	assign status = {8'd0, credit, 1'b0, now[2:0], 3'b000, now[3]};
	always_ff @(posedge clk) begin
		now <= {fc_signal, fc_rx_prim};
		if (ev_ready) ev_valid <= 1'b0;
		if (rest != '0) rest <= rest - 14'd1;
		if (status_rd) rest <= '0;
		if (!native) told <= {1'b0, P_IDLE};
		else if (now != told && !ev_valid && rest == '0) begin
			told <= now;
			ev_valid <= 1'b1;
			ev <= {32'd0, status, weft_eng_pkg::NO_SLOT[15:0], 8'd0, weft_eng_pkg::EVT_FC_LINK[7:0]};
			rest <= 14'd8192;
		end
		if (rst) begin
			now <= {1'b0, P_IDLE};
			told <= {1'b0, P_IDLE};
			ev_valid <= 1'b0;
			rest <= '0;
		end
	end
endmodule
