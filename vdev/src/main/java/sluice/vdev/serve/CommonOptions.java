package sluice.vdev.serve;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.device.DmaConstraints;
import sluice.dmacore.device.Stream;
import sluice.iommu.fault.FaultPolicy;
import sluice.vdev.host.HostFault;
import sluice.vdev.plugin.DeviceOption;
import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.ProvidedDevice;
import sluice.vdev.plugin.WrongOptionException;

/**
 * The values of the options common to all devices ({@link DeviceOption#OF_EVERY_DEVICE}).
 *
 * @param transport the selected transport, or null for the device's default
 * @param stream whether the device snoops
 * @param constraints what the device cannot do, on top of its own limits
 * @param injections faults to inject
 * @param onFault policy for an access refused by the device's own address space
 * @param pollNanos nanoseconds for which an empty queue is polled
 * @param statistics file of the device's report, or null
 */
record CommonOptions(@Nullable Transport transport, Stream stream, DmaConstraints constraints, Injections injections,
        FaultPolicy onFault, long pollNanos, @Nullable Path statistics) {
    /** A loop serves nothing else while it polls. */
    private static final int MAX_POLL_MICROS = 1000;

    /** The transport to the front-end. */
    enum Transport {
        VHOST_USER("vhost-user"),
        VFIO_USER("vfio-user");

        private final String text;

        Transport(String text) {
            this.text = text;
        }

        @Override
        public String toString() {
            return text;
        }
    }

    /**
     * Parses them from a device's options.
     *
     * @throws WrongOptionException a value is invalid
     * @throws IOException the folder for the report is missing
     */
    static CommonOptions of(DeviceOptions options) throws IOException, WrongOptionException {
        DeviceSocket.access(options);
        long micros = options.number("poll-us", 0, 0, MAX_POLL_MICROS);
        Path statistics = options.path("stats");
        if (statistics != null) {
            statistics = statistics.toAbsolutePath();
            Path folder = statistics.getParent();
            if (folder == null || !Files.isDirectory(folder))
                throw new IOException("--stats=%s: no such folder: %s".formatted(statistics, folder));
            if (Files.isDirectory(statistics)) throw new IOException("--stats=%s is a folder".formatted(statistics));
            if (!Files.isWritable(folder))
                throw new IOException("--stats=%s: no permission to write into %s".formatted(statistics, folder));
        }
        return new CommonOptions(transport(options.text("transport")), stream(options.text("coherency")),
                Constraints.of(options), injections(options), policy(options.text("on-fault")),
                TimeUnit.MICROSECONDS.toNanos(micros),
                statistics);
    }

    private static @Nullable Transport transport(@Nullable String asked) throws WrongOptionException {
        if (asked == null) return null;
        for (Transport transport : Transport.values()) {
            if (transport.text.equals(asked)) return transport;
        }
        throw new WrongOptionException("transport=%s: give vhost-user or vfio-user".formatted(asked));
    }

    private static Stream stream(@Nullable String asked) throws WrongOptionException {
        if (asked == null) return Stream.COHERENT;
        return switch (asked) {
            case "coherent" -> Stream.COHERENT;
            case "non-coherent" -> Stream.NON_COHERENT;
            default -> throw new WrongOptionException("coherency=" + asked + ": give coherent or non-coherent");
        };
    }

    private static FaultPolicy policy(@Nullable String asked) throws WrongOptionException {
        if (asked == null) return new FaultPolicy.Abort();
        return switch (asked) {
            case "abort" -> new FaultPolicy.Abort();
            case "zero" -> new FaultPolicy.ReadZeroDropWrite();
            case "stop" -> new FaultPolicy.StopQueue();
            default -> throw new WrongOptionException("on-fault=" + asked + ": give abort, zero or stop");
        };
    }

    private static Injections injections(DeviceOptions options) throws WrongOptionException {
        try {
            return Injections.parse(options.texts("inject"));
        } catch (IllegalArgumentException e) {
            throw new WrongOptionException(String.valueOf(e.getMessage()));
        }
    }

    /** How a device is served. */
    Transport transportOf(ProvidedDevice device) {
        if (transport != null) return transport;
        return device instanceof ProvidedDevice.Function ? Transport.VFIO_USER : Transport.VHOST_USER;
    }

    /**
     * Checks that a device supports the options.
     *
     * @param environment the device's environment, after its creation
     * @throws WrongOptionException it does not support one of them
     */
    void requireFor(ProvidedDevice device, Environment environment) throws WrongOptionException {
        if (device instanceof ProvidedDevice.Function) {
            requireForFunction(environment.strays());
            return;
        }
        Transport carried = transportOf(device);
        if (environment.space() == null) requireNoSpace();
        if (!constraints.isNone() && !environment.attaches()) {
            throw new WrongOptionException(
                    "%s: not supported: this device, unlike a PCI function or the gpu, attaches to no buffers"
                            .formatted(constraints));
        }
        requireFaults(false, carried, environment.strays());
    }

    /**
     * Checks that a PCI function supports the options.
     *
     * @param strays whether it has stray reads
     * @throws WrongOptionException it does not support one of them
     */
    void requireForFunction(boolean strays) throws WrongOptionException {
        if (transport != null && transport != Transport.VFIO_USER) {
            throw new WrongOptionException(
                    "transport=%s: a PCI function can only be served over %s".formatted(transport,
                            Transport.VFIO_USER));
        }
        if (!(onFault instanceof FaultPolicy.Abort)) {
            throw new WrongOptionException(
                    "on-fault: a PCI function supports only abort: an access that the front-end has not mapped always fails");
        }
        if (pollNanos > 0) throw new WrongOptionException("poll-us: a PCI function has no queues to poll");
        requireFaults(true, Transport.VFIO_USER, strays);
    }

    private void requireFaults(boolean function, Transport carried, boolean strays) throws WrongOptionException {
        if (!injections.front().isEmpty() && carried == Transport.VFIO_USER) {
            throw new WrongOptionException("%s: not available over vfio-user, where no translation is cached"
                    .formatted(injections.front().getFirst().name()));
        }
        for (HostFault fault : injections.host()) requireFor(fault, function, carried);
        if (injections.stray() != null && !strays) {
            throw new WrongOptionException(
                    "inject=stray-read: not supported by this device; use deny or poison instead");
        }
    }

    private static void requireFor(HostFault fault, boolean function, Transport carried) throws WrongOptionException {
        switch (fault) {
            case HostFault.OfWrite _ -> {
                if (!function) {
                    throw new WrongOptionException(
                            "%s: not supported: a virtio device writes no buffers but the answers in its queues; a PCI function does"
                                    .formatted(fault.name()));
                }
            }
            case HostFault.FailUnmap _ -> {
                if (carried == Transport.VHOST_USER) {
                    throw new WrongOptionException(
                            "%s: not available over vhost-user, where nothing is unmapped by a message that can be refused"
                                    .formatted(fault.name()));
                }
            }
            case HostFault.OfInterrupt interrupt -> {
                if (interrupt.vector() == HostFault.LINE && carried == Transport.VHOST_USER) {
                    throw new WrongOptionException(
                            "%s: not available over vhost-user, where each queue has an eventfd; give vector=N, the number of a queue"
                                    .formatted(fault.name()));
                }
            }
        }
    }

    /**
     * Checks for a virtio device without an address space of its own: it accesses guest memory directly, like the CPU.
     */
    private void requireNoSpace() throws WrongOptionException {
        if (!stream.coherent()) {
            throw new WrongOptionException(
                    "coherency=non-coherent: not supported: this device, unlike a PCI function or the gpu, does not report transfers of buffers");
        }
        if (!injections.space().isEmpty()) {
            throw new WrongOptionException(
                    "%s: not supported: this device, unlike a PCI function or the gpu, has no address space of its own"
                            .formatted(injections.space().getFirst().name()));
        }
        if (!(onFault instanceof FaultPolicy.Abort))
            throw new WrongOptionException("on-fault: not supported: this device has no address space of its own");
    }
}
