package sluice.dmacore.witness;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.budget.Share;
import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.device.DmaConstraints;
import sluice.dmacore.device.Stream;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.space.DmaMappedSpace;

/**
 * The devices for which guest kernels report DMA calls. Devices served by this process are identified by a number,
 * which the guest finds in a capability; others, such as that of {@code /dev/udmabuf}, by their kernel name.
 *
 * <p>Cache operations act on memory, whichever device they are called for: a sync for a device without DMA, as udmabuf
 * does, makes another device's writes visible. So one object holds all devices of a VM, or of several VMs without
 * shared memory. Thread-safe.
 */
public final class Witness {
    /** Limit of other devices, for a guest that invents names. */
    public static final int MOST_OTHERS = 64;
    private static final int MOST_NUMBERS = 0xffff;

    private final DmaCore core;
    private final CoherentMemory coherent = new CoherentMemory();
    private final WritableMemory writable = new WritableMemory();
    private final Timeline timeline;
    private final List<WitnessedDevice> served = new ArrayList<>();
    private final Map<String, WitnessedDevice> others = new HashMap<>();

    public Witness(DmaCore core) {
        this.core = core;
        timeline = new Timeline(core.findings());
    }

    /**
     * Adds a device served by this process.
     *
     * @param share charged for its mappings
     * @param space the mappings of its front-end
     * @throws IllegalStateException too many devices to number
     */
    public WitnessedDevice serve(String name, Stream stream, Share share, DmaMappedSpace space) {
        return serve(name, stream, share, space, DmaConstraints.NONE);
    }

    /**
     * The same for a device with limits.
     *
     * @param constraints mappings that violate them are findings
     */
    public synchronized WitnessedDevice serve(String name, Stream stream, Share share, DmaMappedSpace space,
            DmaConstraints constraints) {
        if (served.size() == MOST_NUMBERS) throw new IllegalStateException(MOST_NUMBERS + " devices are witnessed");
        WitnessedDevice device = new WitnessedDevice(core, name, stream, share, coherent, writable, space,
                constraints, timeline);
        served.add(device);
        return device;
    }

    /** The number that identifies a served device in the guest, beginning at 1. */
    public synchronized int number(WitnessedDevice device) {
        return served.indexOf(device) + 1;
    }

    /** Whether a kernel reports calls for the served device with a name. */
    public synchronized boolean isTold(String name) {
        for (WitnessedDevice device : served) {
            if (device.name().equals(name)) return device.isTold();
        }
        return false;
    }

    /** Whether all of some memory is allocated as coherent: no device that uses it needs transfers. */
    public boolean isCoherent(Runs memory) {
        return coherent.contains(memory);
    }

    /** The device with a number, or null. */
    public synchronized @Nullable WitnessedDevice numbered(int number) {
        return number < 1 || number > served.size() ? null : served.get(number - 1);
    }

    /**
     * Adds a device that is not served here and does no DMA, so that its syncs are only cache operations. It is
     * non-coherent if a served device is.
     *
     * @param share from which is taken what is kept of its mappings
     * @return null if there are too many
     */
    public synchronized @Nullable WitnessedDevice other(String name, Share share) {
        WitnessedDevice present = others.get(name);
        if (present != null || others.size() == MOST_OTHERS) return present;
        boolean cached = served.stream().anyMatch(device -> !device.stream().coherent());
        WitnessedDevice device = new WitnessedDevice(core, name, cached ? Stream.NON_COHERENT : Stream.COHERENT, share,
                coherent, writable, null, DmaConstraints.NONE, timeline);
        device.greet(true);
        others.put(name, device);
        return device;
    }

    /** A kernel begins to report calls for a served device; state reported by a previous kernel is dropped. */
    public void greet(WitnessedDevice device, boolean fromTheBeginning) {
        device.forget();
        device.greet(fromTheBeginning);
    }

    /** A guest has ended: drops all mappings of its kernel. */
    public synchronized void forget() {
        served.forEach(WitnessedDevice::forget);
        others.values().forEach(WitnessedDevice::close);
        others.clear();
        coherent.clear();
    }

    /** The latest calls of the kernel and accesses of the devices, in one order. */
    public Timeline timeline() {
        return timeline;
    }

    /** All devices reported by a kernel. */
    public synchronized List<WitnessedDevice> devices() {
        List<WitnessedDevice> all = new ArrayList<>(served);
        all.addAll(others.values());
        return all;
    }
}
