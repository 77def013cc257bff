package sluice.vdev.witness;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.LongSupplier;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.budget.Share;
import sluice.dmacore.witness.Witness;
import sluice.vdev.device.Counter;
import sluice.vdev.device.FunctionContext;
import sluice.vdev.device.PciFunction;
import sluice.vdev.device.Report;
import sluice.vdev.pci.Bar;
import sluice.vdev.pci.ConfigLayout;
import sluice.vdev.pci.ConfigSpace;

/**
 * The witness as a PCI function. The module writes a message into a page and reads the doorbell: the read returns when
 * the message has been carried out, with its sequence number or {@link #REFUSED}. So a transfer is complete before the
 * kernel continues.
 *
 * <p>Messages are numbered. Lost messages are counted; they make later findings unreliable.
 */
public final class WitnessFunction implements PciFunction {
    static final int VENDOR = 0x1234;
    static final int DEVICE = 0x5e0e;
    /** Base system peripheral, other. */
    private static final int CLASS = 0x088000;
    private static final int BAR_BYTES = 4096;

    /** Registers, of 4 bytes each. */
    static final int IDENTIFICATION = 0x00;
    static final int VERSION = 0x04;
    static final int PAGE_LOW = 0x08;
    static final int PAGE_HIGH = 0x0c;
    static final int DOORBELL = 0x10;

    /** "SLWT". */
    static final int IDENTIFIED = 0x54574c53;
    static final int PRESENT_VERSION = 2;
    /** The answer to a refused message; not used as a sequence number. */
    static final int REFUSED = 0;

    private static final int REFUSALS_TOLD = 8;
    private static final long ALL_ONES = 0xffffffffL;
    private static final Logger LOG = LoggerFactory.getLogger(WitnessFunction.class);

    private final List<Bar> bars = List.of(Bar.registers(0, BAR_BYTES));
    private final ConfigSpace config = new ConfigLayout(VENDOR, DEVICE, CLASS, PRESENT_VERSION).bars(bars).build();
    private final WitnessMessage message = new WitnessMessage();
    private final Map<Operation, Counter> told = new EnumMap<>(Operation.class);
    private final Counter lost = new Counter();
    private final Counter refused = new Counter();
    private final Counter elsewhere = new Counter();
    private final Witness witness;
    private final Share share;
    private final TracedMessages trace;
    private final CallChains chains = new CallChains();
    private final Map<String, Teller> tellers = new HashMap<>();
    private @Nullable FunctionContext context;
    private long page;
    private int last;
    private boolean begun;
    private int refusalsTold;

    /**
     * @param witness receives the calls
     * @param share charged for the state of devices not served here
     * @param trace gets each message that is carried out
     */
    public WitnessFunction(Witness witness, Share share, TracedMessages trace) {
        this.witness = witness;
        this.share = share;
        this.trace = trace;
        for (Operation operation : Operation.values()) told.put(operation, new Counter());
    }

    /** Registers its counters. */
    void register(Report report) {
        Map<String, LongSupplier> calls = new TreeMap<>();
        told.forEach((operation, counter) -> calls.put(operation.label(), counter));
        report.counters("calls", "calls", "Reported by the guest's kernel.", calls);
        report.rows("timeline", "The latest calls of the guest's kernel and accesses of devices, in order.",
                () -> TimelineRow.of(witness.timeline().events()));
        report.counter("lost", "messages", "Missing in the sequence: the findings are incomplete.", lost);
        report.counter("refused", "messages", "Invalid, or not possible to carry out.", refused);
        report.counter("elsewhere", "mappings", "Of memory without a file, such as a BAR.", elsewhere);
        report.gauge("untracked", "mappings", "Not tracked, because a device has too many.",
                () -> witness.devices().stream().mapToLong(device -> device.untracked()).sum());
        report.gauge("mappings", "mappings", "Of the guest's drivers, now.",
                () -> witness.devices().stream().mapToLong(device -> device.live()).sum());
    }

    @Override
    public ConfigSpace config() {
        return config;
    }

    @Override
    public List<Bar> bars() {
        return bars;
    }

    @Override
    public void start(FunctionContext given) {
        context = given;
    }

    @Override
    public void write(int bar, long offset, int size, long value) {
        if (size != Integer.BYTES) return;
        if (offset == PAGE_LOW) page = (page & ~ALL_ONES) | (value & ALL_ONES);
        if (offset == PAGE_HIGH) page = (page & ALL_ONES) | (value << Integer.SIZE);
    }

    @Override
    public long read(int bar, long offset, int size) {
        if (size != Integer.BYTES) return 0;
        return switch ((int) offset) {
            case IDENTIFICATION -> IDENTIFIED;
            case VERSION -> PRESENT_VERSION;
            case PAGE_LOW -> page & ALL_ONES;
            case PAGE_HIGH -> page >>> Integer.SIZE;
            case DOORBELL -> Integer.toUnsignedLong(ring());
            default -> 0;
        };
    }

    private int ring() {
        FunctionContext present = context;
        if (present == null) return REFUSED;
        long began = trace.begin();
        try {
            take(present);
            trace.told(message, began);
            return message.sequence();
        } catch (RefusedException e) {
            refused.increment();
            if (refusalsTold++ < REFUSALS_TOLD)
                LOG.warn("a message of the guest's witness is refused: {}", e.getMessage());
            return REFUSED;
        }
    }

    private void take(FunctionContext present) throws RefusedException {
        copy(present, 0, WitnessMessage.HEADER_BYTES);
        int sequence = message.sequence();
        if (begun && sequence != last + 1) lost.add(Math.max(1, Integer.toUnsignedLong(sequence - last - 1)));
        begun = true;
        last = sequence;
        Operation operation = Operation.numbered(message.operation());
        if (operation == null) throw new RefusedException("operation %d is not known".formatted(message.operation()));
        long count = message.count();
        if (count > WitnessMessage.MOST_ENTRIES) {
            throw new RefusedException("%d entries, and a message has at most %d".formatted(count,
                    WitnessMessage.MOST_ENTRIES));
        }
        copy(present, WitnessMessage.HEADER_BYTES, count * WitnessMessage.ENTRY_BYTES);
        told(operation).increment();
        switch (operation) {
            case GOODBYE -> forget();
            case CHAIN -> {
                copy(present, WitnessMessage.HEADER_BYTES,
                        Math.clamp(message.size(), 0, WitnessMessage.BYTES - WitnessMessage.HEADER_BYTES));
                chains.add(message.chain(), message.trailer());
            }
            // For the timeline only: the exporter's own syncs report the cache operations.
            case CPU_BEGIN, CPU_END -> witness.timeline().cpuAccess(message.toCall(chains.get(message.chain())),
                    "dma-buf " + message.extra(), message.size());
            default -> {
                Teller teller = teller(present);
                if (teller != null) teller.take(operation, message, chains.get(message.chain()));
            }
        }
    }

    private Counter told(Operation operation) {
        Counter counter = told.get(operation);
        if (counter == null) throw new IllegalStateException(operation + " is not counted");
        return counter;
    }

    private void copy(FunctionContext present, long from, long length) throws RefusedException {
        if (length == 0) return;
        FunctionContext.Dma outcome = present.read(page + from, message.segment(), from, length);
        if (outcome != FunctionContext.Dma.DONE) {
            throw new RefusedException("it cannot be read at 0x%x: %s".formatted(page + from, outcome));
        }
    }

    /** The handler for a device's calls; null if there are too many devices, which is counted. */
    private @Nullable Teller teller(FunctionContext present) {
        // Only a device served here has a number; other devices may have the same names.
        String key = message.number() == 0 ? "other " + message.name() : "served " + message.number();
        Teller known = tellers.get(key);
        if (known != null) return known;
        Teller made = message.number() == 0
                ? Teller.ofOther(witness, message.name(), share, present, elsewhere)
                : Teller.ofServed(witness, message.number(), elsewhere);
        if (made != null) tellers.put(key, made);
        return made;
    }

    private void forget() {
        List<Teller> all = new ArrayList<>(tellers.values());
        tellers.clear();
        all.forEach(Teller::close);
        witness.forget();
        chains.clear();
    }

    @Override
    public void disconnected() {
        context = null;
    }

    @Override
    public void reset() {
        forget();
        page = 0;
        begun = false;
        refusalsTold = 0;
    }
}
