package sluice.vdev.pci;

import java.util.Arrays;
import java.util.List;

import org.jspecify.annotations.Nullable;

/** Builds a configuration space, field by field and capability by capability. */
public final class ConfigLayout {
    /** Number of the power management capability (PCI Power Management Interface 1.2, §3.2). */
    public static final int POWER_MANAGEMENT = 0x01;
    /** Id of vendor-specific capabilities (PCI 3.0, appendix H). */
    public static final int VENDOR_SPECIFIC = 0x09;
    /** Number of the PCI Express capability (PCI Express Base 3.0, §7.8). */
    public static final int EXPRESS = 0x10;
    /** Number of the MSI-X capability (PCI 3.0, §6.8.2). */
    public static final int MSIX = 0x11;

    /** Offset of the content in a vendor-specific capability. */
    public static final int VENDOR_BODY = 3;

    static final int CAPABILITIES = 0x34;

    static final int CONVENTIONAL_BYTES = 256;
    private static final int EXPRESS_BYTES = 4096;
    private static final int COMMAND = 0x04;
    /** I/O, memory, bus master, parity, SERR#, interrupt disable. */
    private static final int COMMAND_WRITABLE = 0x0547;
    private static final int STATUS = 0x06;
    static final int STATUS_CAPABILITIES = 0x10;
    private static final int CACHE_LINE_SIZE = 0x0c;
    private static final int FIRST_BAR = 0x10;
    private static final int SUBSYSTEM = 0x2c;
    private static final int INTERRUPT_LINE = 0x3c;
    private static final int INTERRUPT_PIN = 0x3d;
    private static final int FIRST_CAPABILITY = 0x40;
    /** Size of the power management capability in bytes. */
    public static final int POWER_MANAGEMENT_BYTES = 8;

    private static final int MSIX_BYTES = 12;
    private static final int EXPRESS_CAPABILITY_BYTES = 0x3c;

    private final byte[] bytes = new byte[EXPRESS_BYTES];
    private final byte[] writable = new byte[EXPRESS_BYTES];
    private int next = FIRST_CAPABILITY;
    /** Offset of the link to the next capability. */
    private int link = CAPABILITIES;
    private int size = CONVENTIONAL_BYTES;
    private @Nullable Msix msix;

    /**
     * @param classCode base class, subclass and interface, 24 bits: 0x040000 is a video device
     */
    public ConfigLayout(int vendor, int device, int classCode, int revision) {
        put16(0, vendor);
        put16(2, device);
        put32(8, classCode << 8 | (revision & 0xff));
        writable16(COMMAND, COMMAND_WRITABLE);
        writable16(CACHE_LINE_SIZE, 0xffff); // and the latency timer at 0x0d, without effect here
        writable[INTERRUPT_LINE] = (byte) 0xff;
    }

    /** Sets the identity of the board. */
    public ConfigLayout subsystem(int vendor, int device) {
        put16(SUBSYSTEM, vendor);
        put16(SUBSYSTEM + 2, device);
        return this;
    }

    /** Gives it an interrupt line: 1 to 4 for INTA to INTD. */
    public ConfigLayout interruptPin(int pin) {
        if (pin < 1 || pin > 4) throw new IllegalArgumentException("interrupt pin " + pin + "; give 1 to 4");
        bytes[INTERRUPT_PIN] = (byte) pin;
        return this;
    }

    /**
     * Adds the registers of these BARs, with their sizes.
     *
     * @throws IllegalArgumentException if two have one index
     */
    public ConfigLayout bars(List<Bar> bars) {
        boolean[] taken = new boolean[7];
        for (Bar bar : bars) {
            if (taken[bar.index()] || (bar.kind().is64() && taken[bar.index() + 1]))
                throw new IllegalArgumentException("BAR " + bar.index() + " is defined twice");
            taken[bar.index()] = true;
            int at = FIRST_BAR + bar.index() * Integer.BYTES;
            put32(at, bar.kind().bits());
            long mask = -bar.size();
            writable32(at, (int) mask);
            if (bar.kind().is64()) {
                taken[bar.index() + 1] = true;
                writable32(at + Integer.BYTES, (int) (mask >>> 32));
            }
        }
        return this;
    }

    /** Adds power management, version 3: D0 and D3hot, no power management events. */
    public ConfigLayout powerManagement() {
        int at = capability(POWER_MANAGEMENT, POWER_MANAGEMENT_BYTES);
        put16(at + 2, 3);
        // No_Soft_Reset: the function keeps its state in D3hot.
        put16(at + 4, 1 << 3);
        writable16(at + 4, 3);
        return this;
    }

    /** Adds MSI-X. */
    public ConfigLayout msix(Msix interrupts) {
        msix = interrupts;
        int at = capability(MSIX, MSIX_BYTES);
        put16(at + 2, interrupts.vectors() - 1);
        writable16(at + 2, 0xc000); // enable, function mask
        put32(at + 4, interrupts.tableOffset() | interrupts.bar());
        put32(at + 8, interrupts.pendingOffset() | interrupts.bar());
        return this;
    }

    /**
     * Adds a vendor-specific capability (PCI 3.0, appendix H): id, link and length, followed by {@code body}.
     *
     * @param driverBits writable bits of {@code body}
     * @return its offset
     */
    public int vendorSpecific(byte[] body, byte[] driverBits) {
        int at = capability(VENDOR_SPECIFIC, VENDOR_BODY + body.length);
        bytes[at + 2] = (byte) (VENDOR_BODY + body.length);
        System.arraycopy(body, 0, bytes, at + VENDOR_BODY, body.length);
        System.arraycopy(driverBits, 0, writable, at + VENDOR_BODY, body.length);
        return at;
    }

    /** Adds PCI Express, version 2, an endpoint with one lane; configuration space then has 4096 bytes. */
    public ConfigLayout express() {
        size = EXPRESS_BYTES;
        int at = capability(EXPRESS, EXPRESS_CAPABILITY_BYTES);
        put16(at + 2, 2); // endpoint
        put32(at + 4, 1 << 15); // role-based error reporting
        writable16(at + 8, 0x7fff); // device control, without the function-level reset that is not offered
        put32(at + 12, 1 << 4 | 1); // one lane of 2.5 GT/s
        writable16(at + 16, 0x01fb); // link control
        put16(at + 18, 1 << 4 | 1);
        return this;
    }

    /** Free bytes for further capabilities. */
    public int room() {
        return CONVENTIONAL_BYTES - next;
    }

    private int capability(int id, int length) {
        if (next + length > CONVENTIONAL_BYTES)
            throw new IllegalArgumentException("no room for capability " + id + " of " + length + " bytes");
        int at = next;
        bytes[link] = (byte) at;
        bytes[at] = (byte) id;
        link = at + 1;
        next = (at + length + 3) & -4;
        put16(STATUS, STATUS_CAPABILITIES);
        return at;
    }

    public ConfigSpace build() {
        return new ConfigSpace(Arrays.copyOf(bytes, size), Arrays.copyOf(writable, size), msix, next);
    }

    private void put16(int at, int value) {
        bytes[at] = (byte) value;
        bytes[at + 1] = (byte) (value >>> 8);
    }

    private void put32(int at, int value) {
        put16(at, value);
        put16(at + 2, value >>> 16);
    }

    private void writable16(int at, int mask) {
        writable[at] = (byte) mask;
        writable[at + 1] = (byte) (mask >>> 8);
    }

    private void writable32(int at, int mask) {
        writable16(at, mask);
        writable16(at + 2, mask >>> 16);
    }
}
