package sluice.dmacore.buffer;

/** Attributes of a mapping or an unmap: those of {@code include/linux/dma-mapping.h} that apply here. */
public enum DmaAttribute {
    /** Skips cache maintenance: the caller knows that no line is dirty. */
    SKIP_CPU_SYNC,
    /** Maps without a transfer: the CPU keeps ownership until {@link DeviceMapping#syncForDevice()}. */
    CPU_KEEPS,
    /** The buffer is device memory instead of system pages. */
    MMIO,
    /** Refuses a non-snooping device. */
    REQUIRE_COHERENT,
    /** Allows a bounce buffer if the memory does not suit the device. */
    ALLOW_BOUNCE
}
