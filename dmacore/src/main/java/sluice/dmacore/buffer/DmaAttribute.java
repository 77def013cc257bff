package sluice.dmacore.buffer;

/** How something is mapped: the attributes of {@code include/linux/dma-mapping.h} that mean something here. */
public enum DmaAttribute {
    /** The caches are left alone: the caller knows that nothing is dirty. */
    SKIP_CPU_SYNC,
    /** The device gets addresses, and it stays the CPU's turn: the transfer is {@link DeviceMapping#syncForDevice()}. */
    CPU_KEEPS,
    /** It is a device's memory, and not pages of the system. */
    MMIO,
    /** A device that does not snoop is refused. */
    REQUIRE_COHERENT,
    /** If the memory does not suit the device, other memory that does is used, and copied. */
    ALLOW_BOUNCE
}
