package sluice.vdev.plugin;

import java.util.List;

/**
 * An option of a device, as listed by {@code ./sluice serve --list}.
 *
 * @param name small letters, digits and hyphens
 * @param value placeholder of its value, such as {@code N} or {@code FILE}; empty for a flag
 * @param description one line
 * @param repeatable whether it may be given more than once
 * @param hidden whether it is omitted from lists: for options used by programs only
 */
public record DeviceOption(String name, String value, String description, boolean repeatable, boolean hidden) {
    /** The options common to all devices. */
    public static final List<DeviceOption> OF_EVERY_DEVICE = List.of(
            new DeviceOption("socket-path", "PATH",
                    "Listen on this UNIX socket; serve one front-end at a time."),
            new DeviceOption("socket-mode", "MODE",
                    "Permissions of the socket file, in octal (default 0600): 0660 admits the group."),
            new DeviceOption("socket-group", "GROUP", "Group of the socket file, such as kvm."),
            new DeviceOption("fd", "N",
                    "Serve the front-end connected to this inherited socket, and exit when it disconnects; or, if the socket listens, one front-end after the other."),
            new DeviceOption("transport", "NAME",
                    "vhost-user (default for virtio devices), or vfio-user: a PCI function, for QEMU 10.1 or later."),
            new DeviceOption("coherency", "KIND",
                    "coherent (default): the device snoops the CPU's caches. non-coherent: it sees only what was transferred to it; each mistake is a finding in the log and the statistics."),
            new DeviceOption("dma-mask", "N",
                    "Limit the device to addresses of N bits, 12 to 64, or up to the mask N (0xfff or more, 2^n-1). An access beyond it faults."),
            new DeviceOption("max-segment-size", "BYTES",
                    "The longest segment that the device accepts, 4096 to 0xffffffff bytes."),
            new DeviceOption("max-segments", "N",
                    "The most segments that the device accepts for a buffer, 1 to 2147483647."),
            new DeviceOption("boundary", "MASK",
                    "No segment crosses a multiple of MASK + 1, as with dma_set_seg_boundary(); 0xfff or more, 2^n-1."),
            new DeviceOption("contiguous", "",
                    "The device accepts only contiguous buffers. Limits of segments are checked when a device attaches to a buffer (gpu), and for PCI functions when a witness reports a map."),
            new DeviceOption("on-fault", "WHAT",
                    "When the device's own address space refuses an access: abort (default), the command fails; zero, the device reads zeros and continues; stop, the queue stops until the driver resets the device."),
            new DeviceOption("inject", "FAULT",
                    "Inject a fault, to test a driver: KIND[,KEY=VALUE...], of the kinds " + FaultKind.words()
                            + ". Their keys are at the end of this text. May be repeated.",
                    true),
            new DeviceOption("poll-us", "N",
                    "Poll an empty queue for up to N microseconds before waiting for a kick, 0 (default, off) to 1000. This lowers latency for busy guests and costs CPU time."),
            new DeviceOption("stats", "FILE", "Write statistics as JSON at exit and at each SIGUSR2."));

    /** An option that is listed. */
    public DeviceOption(String name, String value, String description, boolean repeatable) {
        this(name, value, description, repeatable, false);
    }

    /** An option that may be given once. */
    public DeviceOption(String name, String value, String description) {
        this(name, value, description, false);
    }

    /** An option that is not listed, and may be given once. */
    public static DeviceOption hidden(String name, String value) {
        return new DeviceOption(name, value, "", false, true);
    }

    /** The usage: {@code name=VALUE}. */
    @Override
    public String toString() {
        return value.isEmpty() ? name : name + "=" + value;
    }
}
