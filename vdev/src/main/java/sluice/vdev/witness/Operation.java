package sluice.vdev.witness;

import java.util.List;

import org.jspecify.annotations.Nullable;

/** The operation of a message: {@code enum witness_operation} of {@code guest-tests/kmod/witness/message.h}. */
enum Operation {
    /** The module has found a device; without a list. */
    HELLO("hello"),
    MAP("map"),
    UNMAP("unmap"),
    SYNC_FOR_CPU("syncForCpu"),
    SYNC_FOR_DEVICE("syncForDevice"),
    /** Coherent memory. */
    ALLOC("alloc"),
    FREE("free"),
    /**
     * User space or a driver begins to use a dma-buf; {@link WitnessMessage#EXTRA} is its inode. For information only.
     */
    CPU_BEGIN("beginCpuAccess"),
    CPU_END("endCpuAccess"),
    /** The module is unloaded. */
    GOODBYE("goodbye"),
    /** A driver was unbound; without a list. */
    UNBOUND("unbound"),
    /** The text of a call chain, before the first message that has its number. */
    CHAIN("chain");

    private static final List<Operation> ALL = List.of(values());

    /** The name in reports. */
    private final String label;

    Operation(String label) {
        this.label = label;
    }

    String label() {
        return label;
    }

    /** The operation of a wire value, from 1, or null. */
    static @Nullable Operation numbered(int number) {
        return number < 1 || number > ALL.size() ? null : ALL.get(number - 1);
    }
}
