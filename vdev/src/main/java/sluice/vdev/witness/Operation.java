package sluice.vdev.witness;

import java.util.List;

import org.jspecify.annotations.Nullable;

/** What a message tells: {@code enum witness_operation} of {@code guest-tests/kmod/witness/message.h}. */
enum Operation {
    /** The module has found a device; a list of none. */
    HELLO("hello"),
    MAP("map"),
    UNMAP("unmap"),
    SYNC_FOR_CPU("syncForCpu"),
    SYNC_FOR_DEVICE("syncForDevice"),
    /** Memory that the CPU and the device see alike. */
    ALLOC("alloc"),
    FREE("free"),
    /** User space or a driver begins to use a dma-buf; {@link WitnessMessage#EXTRA} is its inode. For people only. */
    CPU_BEGIN("beginCpuAccess"),
    CPU_END("endCpuAccess"),
    /** The module is unloaded. */
    GOODBYE("goodbye"),
    /** A driver has left its device; a list of none. */
    UNBOUND("unbound");

    private static final List<Operation> ALL = List.of(values());

    /** In reports. */
    private final String label;

    Operation(String label) {
        this.label = label;
    }

    String label() {
        return label;
    }

    /** The operation with a number of the wire, from 1 on, or null. */
    static @Nullable Operation numbered(int number) {
        return number < 1 || number > ALL.size() ? null : ALL.get(number - 1);
    }
}
