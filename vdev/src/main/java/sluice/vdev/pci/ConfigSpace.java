package sluice.vdev.pci;

import org.jspecify.annotations.Nullable;

/**
 * A function's configuration space: bytes and their writable bits (PCI Local Bus Specification 3.0, §6.1 and §6.2).
 * Created by {@link ConfigLayout}; used on the function's loop.
 */
public final class ConfigSpace {
    private static final int COMMAND = 0x04;
    private static final int INTERRUPT_PIN = 0x3d;
    private static final int BUS_MASTER = 1 << 2;
    private static final int LINE_DISABLED = 1 << 10;
    private static final int MSIX_CONTROL = 2;
    private static final int MSIX_ENABLED = 1 << 15;
    private static final int STATUS = 0x06;
    private static final int INTERRUPT_STATUS = 1 << 3;

    private final byte[] initial;
    private final byte[] bytes;
    private final byte[] writable;
    private final @Nullable Msix msix;
    /** Offset for one more capability. */
    private int free;

    /** @param free offset of the first free byte for capabilities in the first 256 bytes */
    ConfigSpace(byte[] initial, byte[] writable, @Nullable Msix msix, int free) {
        this.free = free;
        this.initial = initial.clone();
        this.bytes = initial.clone();
        this.writable = writable.clone();
        this.msix = msix;
    }

    /** 256 bytes, or 4096 if there is a PCI Express capability. */
    public int size() {
        return bytes.length;
    }

    /**
     * Copies bytes beginning at {@code offset}.
     *
     * @throws IndexOutOfBoundsException if there are not as many
     */
    public void read(int offset, byte[] target) {
        checkSpan(offset, target.length);
        System.arraycopy(bytes, offset, target, 0, target.length);
    }

    /**
     * Writes bytes for the driver, beginning at {@code offset}; read-only bits are unchanged. Otherwise as {@link
     * #read}.
     */
    public void write(int offset, byte[] source) {
        checkSpan(offset, source.length);
        for (int i = 0; i < source.length; i++) {
            int mask = writable[offset + i];
            bytes[offset + i] = (byte) ((bytes[offset + i] & ~mask) | (source[i] & mask));
        }
    }

    /**
     * Writes bytes for the function, including read-only bits, beginning at {@code offset}. Otherwise as {@link #read}.
     */
    public void set(int offset, byte[] source) {
        checkSpan(offset, source.length);
        System.arraycopy(source, 0, bytes, offset, source.length);
    }

    private void checkSpan(int offset, int length) {
        if (offset < 0 || length > bytes.length - offset) {
            throw new IndexOutOfBoundsException("%d bytes at 0x%x of a configuration space of %d bytes"
                    .formatted(length, offset, bytes.length));
        }
    }

    /** The byte at {@code offset}, 0 to 255. */
    public int u8(int offset) {
        return bytes[offset] & 0xff;
    }

    /** The 16-bit number at {@code offset}. */
    public int u16(int offset) {
        return u8(offset) | u8(offset + 1) << 8;
    }

    /** The 32-bit number at {@code offset}. */
    public int u32(int offset) {
        return u16(offset) | u16(offset + 2) << 16;
    }

    /** Whether the driver has set the bus master bit. */
    public boolean isBusMaster() {
        return (u16(COMMAND) & BUS_MASTER) != 0;
    }

    /** Whether the driver has disabled the interrupt line. */
    public boolean isLineDisabled() {
        return (u16(COMMAND) & LINE_DISABLED) != 0;
    }

    /** Whether the driver has enabled MSI-X, so that the interrupt line is not used. */
    public boolean isMsixEnabled() {
        return msix != null && (u16(capability(ConfigLayout.MSIX) + MSIX_CONTROL) & MSIX_ENABLED) != 0;
    }

    /**
     * Sets the interrupt status bit of the status register, independent of the interrupt disable bit (PCI 3.0, §6.2.3).
     * Drivers that share a line read it to find the interrupting function.
     */
    public void showInterrupt(boolean pending) {
        bytes[STATUS] = (byte) (pending ? bytes[STATUS] | INTERRUPT_STATUS : bytes[STATUS] & ~INTERRUPT_STATUS);
    }

    /** 1 to 4 for INTA to INTD, 0 if it has no interrupt line. */
    public int interruptPin() {
        return u8(INTERRUPT_PIN);
    }

    /** Location of the MSI-X structures, or null without MSI-X. */
    public @Nullable Msix msix() {
        return msix;
    }

    /** Offset of the capability with this id, or 0 if there is none. */
    public int capability(int id) {
        int at = u8(ConfigLayout.CAPABILITIES);
        // The list was built here without cycles, and drivers cannot change it.
        while (at != 0 && u8(at) != id)
            at = u8(at + 1);
        return at;
    }

    /**
     * Adds a read-only vendor-specific capability (PCI 3.0, appendix H) after all others. Called before a front-end
     * connects.
     *
     * @return whether it fits
     */
    public boolean addVendorSpecific(byte[] body) {
        int length = ConfigLayout.VENDOR_BODY + body.length;
        if (free + length > ConfigLayout.CONVENTIONAL_BYTES) return false;
        int link = ConfigLayout.CAPABILITIES;
        while (initial[link] != 0)
            link = (initial[link] & 0xff) + 1;
        initial[link] = (byte) free;
        initial[free] = ConfigLayout.VENDOR_SPECIFIC;
        initial[free + 2] = (byte) length;
        System.arraycopy(body, 0, initial, free + ConfigLayout.VENDOR_BODY, body.length);
        initial[STATUS] |= ConfigLayout.STATUS_CAPABILITIES;
        free = (free + length + 3) & -4;
        reset();
        return true;
    }

    /** Resets everything to power-on. */
    public void reset() {
        System.arraycopy(initial, 0, bytes, 0, bytes.length);
    }

    @Override
    public String toString() {
        return "%04x:%04x, %d bytes".formatted(u16(0), u16(2), bytes.length);
    }
}
