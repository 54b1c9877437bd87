// SPDX-License-Identifier: BSD-2-Clause
// weft_fc_eth: the Ethernet port between TCP (t_*) and Fibre Channel (fcoe_*). In mode FCoE received frames with Ethertype 8906h (FCoE) or
// 8914h (FIP) go to fcoe_rx, all others to t_rx; it is decided at the first beat, which holds bytes 12 and 13. Sent frames of both
// take turns. In the other modes everything is TCP's. A change of the mode counts from the next frame on.
// Latency: none, it is combinational in all modes. Throughput: a beat per cycle each way. Back-pressure: the MAC's tready goes to whoever
// sends; a frame once begun is finished, and a first beat once shown stands.
module weft_fc_eth (
	input  logic         clk,
	input  logic         rst,
	input  logic [1:0]   mode,
	// MAC
	output logic [127:0] eth_tx_tdata,
	output logic [15:0]  eth_tx_tkeep,
	output logic         eth_tx_tvalid,
	input  logic         eth_tx_tready,
	output logic         eth_tx_tlast,
	input  logic [127:0] eth_rx_tdata,
	input  logic [15:0]  eth_rx_tkeep,
	input  logic         eth_rx_tvalid,
	input  logic         eth_rx_tlast,
	input  logic         eth_rx_tuser,
	// weft_tx, weft_rx
	input  logic [127:0] t_tx_tdata,
	input  logic [15:0]  t_tx_tkeep,
	input  logic         t_tx_tvalid,
	output logic         t_tx_tready,
	input  logic         t_tx_tlast,
	output logic [127:0] t_rx_tdata,
	output logic [15:0]  t_rx_tkeep,
	output logic         t_rx_tvalid,
	output logic         t_rx_tlast,
	output logic         t_rx_tuser,
	// weft_fc_tx, weft_fc_rx
	input  logic [127:0] fcoe_tx_tdata,
	input  logic [15:0]  fcoe_tx_tkeep,
	input  logic         fcoe_tx_tvalid,
	output logic         fcoe_tx_tready,
	input  logic         fcoe_tx_tlast,
	output logic [127:0] fcoe_rx_tdata,
	output logic [15:0]  fcoe_rx_tkeep,
	output logic         fcoe_rx_tvalid,
	output logic         fcoe_rx_tlast,
	output logic         fcoe_rx_tuser
);
	logic on;
	assign on = mode == weft_eng_pkg::FCM_FCOE[1:0];

	// receive
	logic rx_mid, rx_fc, rx_fc_q;
	assign rx_fc = rx_mid ? rx_fc_q : on && eth_rx_tkeep[13] && (eth_rx_tdata[111:96] == 16'h0689 || eth_rx_tdata[111:96] == 16'h1489);
	assign {t_rx_tdata, t_rx_tkeep, t_rx_tlast, t_rx_tuser} = {eth_rx_tdata, eth_rx_tkeep, eth_rx_tlast, eth_rx_tuser};
	assign {fcoe_rx_tdata, fcoe_rx_tkeep, fcoe_rx_tlast, fcoe_rx_tuser} = {eth_rx_tdata, eth_rx_tkeep, eth_rx_tlast, eth_rx_tuser};
	assign t_rx_tvalid = eth_rx_tvalid && !rx_fc;
	assign fcoe_rx_tvalid = eth_rx_tvalid && rx_fc;
	always_ff @(posedge clk) begin
		if (eth_rx_tvalid) begin
			rx_mid <= !eth_rx_tlast;
			rx_fc_q <= rx_fc;
		end
		if (rst) rx_mid <= 1'b0;
	end

	// transmit: held means that the choice of the cycle before stands
	logic held, tx_fc, tx_fc_q;
	always_comb begin
		if (held) tx_fc = tx_fc_q;
		else if (!on) tx_fc = 1'b0;
		else tx_fc = fcoe_tx_tvalid && !(t_tx_tvalid && tx_fc_q);
	end
	assign {eth_tx_tdata, eth_tx_tkeep, eth_tx_tlast} = tx_fc ? {fcoe_tx_tdata, fcoe_tx_tkeep, fcoe_tx_tlast}
		: {t_tx_tdata, t_tx_tkeep, t_tx_tlast};
	assign eth_tx_tvalid = tx_fc ? fcoe_tx_tvalid : t_tx_tvalid;
	assign fcoe_tx_tready = tx_fc && eth_tx_tready;
	assign t_tx_tready = !tx_fc && eth_tx_tready;
	always_ff @(posedge clk) begin
		held <= (held || eth_tx_tvalid) && !(eth_tx_tvalid && eth_tx_tready && eth_tx_tlast);
		if (eth_tx_tvalid) tx_fc_q <= tx_fc;
		if (rst) begin
			held <= 1'b0;
			tx_fc_q <= 1'b0;
		end
	end
endmodule
