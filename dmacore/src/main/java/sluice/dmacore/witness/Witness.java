package sluice.dmacore.witness;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.budget.Share;
import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.device.Stream;
import sluice.dmacore.space.DmaMappedSpace;

/**
 * The devices of a process whose kernels tell of their DMA. Those that are served here are known by a number, by which a guest
 * finds out which of its devices they are; others, such as that of {@code /dev/udmabuf}, by the name that the kernel has for them.
 *
 * <p>Cache operations act on memory, whichever device they were made for: a sync for a device that does no DMA, as udmabuf makes
 * them, fetches what another has written. So all devices of a VM, or of several that share no memory, are in one place. Any thread
 * may use it.
 */
public final class Witness {
    /** Others that are known at a time, so that a guest that makes up names does not fill the heap. */
    public static final int MOST_OTHERS = 64;
    private static final int MOST_NUMBERS = 0xffff;

    private final DmaCore core;
    private final CoherentMemory coherent = new CoherentMemory();
    private final WritableMemory writable = new WritableMemory();
    private final List<WitnessedDevice> served = new ArrayList<>();
    private final Map<String, WitnessedDevice> others = new HashMap<>();

    public Witness(DmaCore core) {
        this.core = core;
    }

    /**
     * A device is served here.
     *
     * @param share from which is taken what is kept of its mappings
     * @param space what its front-end has mapped for it
     * @throws IllegalStateException there are more than can be numbered
     */
    public synchronized WitnessedDevice serve(String name, Stream stream, Share share, DmaMappedSpace space) {
        if (served.size() == MOST_NUMBERS) throw new IllegalStateException(MOST_NUMBERS + " devices are witnessed");
        WitnessedDevice device = new WitnessedDevice(core, name, stream, share, coherent, writable, space);
        served.add(device);
        return device;
    }

    /** The number by which a guest knows a device that is served here, from 1 on. */
    public synchronized int number(WitnessedDevice device) {
        return served.indexOf(device) + 1;
    }

    /** The device with a number, or null. */
    public synchronized @Nullable WitnessedDevice numbered(int number) {
        return number < 1 || number > served.size() ? null : served.get(number - 1);
    }

    /**
     * A device that is not served here and does no DMA of its own, so that its syncs are cache operations and no more. It does not
     * snoop if one does not that is served here.
     *
     * @param share from which is taken what is kept of its mappings
     * @return null if there are too many
     */
    public synchronized @Nullable WitnessedDevice other(String name, Share share) {
        WitnessedDevice present = others.get(name);
        if (present != null || others.size() == MOST_OTHERS) return present;
        boolean cached = served.stream().anyMatch(device -> !device.stream().coherent());
        WitnessedDevice device = new WitnessedDevice(core, name, cached ? Stream.NON_COHERENT : Stream.COHERENT, share,
                coherent, writable, null);
        device.greet(true);
        others.put(name, device);
        return device;
    }

    /** A kernel tells of a device that is served here, from now on; what another kernel has told of it before is forgotten. */
    public void greet(WitnessedDevice device, boolean fromTheBeginning) {
        device.forget();
        device.greet(fromTheBeginning);
    }

    /** A guest has gone, and its kernel with all that it had mapped. */
    public synchronized void forget() {
        served.forEach(WitnessedDevice::forget);
        others.values().forEach(WitnessedDevice::close);
        others.clear();
        coherent.clear();
    }

    /** All devices that a kernel has told of. */
    public synchronized List<WitnessedDevice> devices() {
        List<WitnessedDevice> all = new ArrayList<>(served);
        all.addAll(others.values());
        return all;
    }
}
