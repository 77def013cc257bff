package sluice.dmacore.ownership;

/** The cache maintenance of an architecture for non-coherent devices. */
public enum Flavour {
    /**
     * Writes back for all directions before a transfer to the device, invalidates after it: {@code
     * arch/arm64/mm/dma-mapping.c}, and {@code arch/riscv/mm/dma-noncoherent.c} likewise.
     */
    ARM64 {
        @Override
        public CacheOperation forDevice(Direction direction) {
            return CacheOperation.WRITE_BACK;
        }

        @Override
        public CacheOperation forCpu(Direction direction) {
            return direction.deviceWrites() ? CacheOperation.INVALIDATE : CacheOperation.NONE;
        }
    },
    /** Invalidates memory that the device will fill, and loses CPU writes there: {@code arch/arc/mm/dma.c}. */
    ARC {
        @Override
        public CacheOperation forDevice(Direction direction) {
            return switch (direction) {
                case TO_DEVICE -> CacheOperation.WRITE_BACK;
                case FROM_DEVICE -> CacheOperation.INVALIDATE;
                case BIDIRECTIONAL -> CacheOperation.WRITE_BACK_INVALIDATE;
            };
        }

        @Override
        public CacheOperation forCpu(Direction direction) {
            return direction.deviceWrites() ? CacheOperation.INVALIDATE : CacheOperation.NONE;
        }
    },
    /** Every device snoops. */
    COHERENT {
        @Override
        public CacheOperation forDevice(Direction direction) {
            return CacheOperation.NONE;
        }

        @Override
        public CacheOperation forCpu(Direction direction) {
            return CacheOperation.NONE;
        }
    };

    /** The operation of a transfer to a device. */
    public abstract CacheOperation forDevice(Direction direction);

    /** The operation of a transfer to the CPU. */
    public abstract CacheOperation forCpu(Direction direction);
}
