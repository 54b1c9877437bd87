# SPDX-License-Identifier: BSD-2-Clause
# Packages the kernel with Vivado:
#   vivado -mode batch -source rtl/board/package_kernel.tcl -tclargs OUTPUT.xo FOLDER PART SOURCE...
if {[llength $argv] < 4} {
	puts stderr "package_kernel.tcl: OUTPUT.xo FOLDER PART SOURCE... are wanted"
	exit 2
}
set xo [lindex $argv 0]
set folder [lindex $argv 1]
set part [lindex $argv 2]
set sources [lrange $argv 3 end]
set kernel weft_kernel
set xml rtl/board/kernel.xml

file delete -force $folder
create_project -force $kernel $folder/project -part $part
add_files -norecurse $sources
set_property top $kernel [current_fileset]
update_compile_order -fileset sources_1

# As an IP: its interfaces are found by the names of its ports.
ipx::package_project -root_dir $folder/ip -vendor weft -library kernel -taxonomy /KernelIP -import_files -set_current true
set core [ipx::current_core]
set_property core_revision 1 $core
set_property sdx_kernel true $core
set_property sdx_kernel_type rtl $core
set_property supported_families {} $core
set_property auto_family_support_level level_2 $core
foreach bus {s_axi_control m_axi axis_eth_tx axis_eth_rx} {
	ipx::associate_bus_interfaces -busif $bus -clock ap_clk $core
}

# The registers, and which of them names the bank of the master.
set block [ipx::add_address_block reg0 [ipx::get_memory_maps s_axi_control -of_objects $core]]
set_property range 0x200000 $block
set_property width 32 $block
set pointer [ipx::add_register host_memory $block]
set_property address_offset 0x10 $pointer
set_property size 64 $pointer
set bank [ipx::add_register_parameter ASSOCIATED_BUSIF $pointer]
set_property value m_axi $bank

set_property xpm_libraries {XPM_CDC XPM_MEMORY XPM_FIFO} $core
set_property vitis_drc {ctrl_protocol user_managed} $core
set_property ipi_drc {ignore_freq_hz true} $core
ipx::create_xgui_files $core
ipx::update_checksums $core
ipx::check_integrity -kernel $core
ipx::save_core $core
close_project -delete

package_xo -force -xo_path $xo -kernel_name $kernel -ip_directory $folder/ip -ctrl_protocol user_managed -kernel_xml $xml
