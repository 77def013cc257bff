package sluice.dmacore.ownership;

/** How an architecture keeps its caches and devices that do not snoop apart. */
public enum Flavour {
    /**
     * Writes back in every direction before the device's turn, invalidates after it: {@code arch/arm64/mm/dma-mapping.c}, and
     * {@code arch/riscv/mm/dma-noncoherent.c} likewise.
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
    /** Invalidates what the device is to fill, and loses what the CPU had written there: {@code arch/arc/mm/dma.c}. */
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

    /** Before a device's turn. */
    public abstract CacheOperation forDevice(Direction direction);

    /** After it. */
    public abstract CacheOperation forCpu(Direction direction);
}
