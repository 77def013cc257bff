package sluice.vdev.cli;

import java.time.Duration;
import java.util.Set;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Option;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.finding.Finding;
import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.model.Eviction;
import sluice.dmacore.model.ShadowCaches;
import sluice.dmacore.ownership.Flavour;

/**
 * The cache model for non-snooping devices, and the selection of findings, for all devices of a process; a mixin for
 * picocli.
 */
final class ModelOption {
    private static final Logger LOG = LoggerFactory.getLogger(ModelOption.class);
    private static final String SEEDED = "seeded:";
    /** One of this many lines written by the CPU is evicted at random. */
    private static final int ONE_IN = 16;

    @Option(names = "--flavour", paramLabel = "NAME", defaultValue = "arm64", description = "Cache operations for transfers of a non-coherent device: arm64 (default), or arc, which invalidates a buffer that the device will fill and so loses what the CPU wrote there.")
    private String flavour = "arm64";

    @Option(names = "--eviction", paramLabel = "KIND", defaultValue = "lazy", description = "When the CPU's caches write a line back unasked: lazy (default), never; eager, before each access of a non-coherent device; seeded:N, at random with seed N.")
    private String eviction = "lazy";

    @Option(names = "--held-long", paramLabel = "MS", defaultValue = "0", description = "Report mappings and pins that last longer than MS milliseconds; 0 (default): never.")
    private int heldLong;

    @Option(names = "--findings-of", paramLabel = "DEVICE", description = "Keep only findings of this device, and findings without a device; may be repeated. Default: all.")
    private Set<String> devices = Set.of();

    /** @throws IllegalArgumentException an option that is none */
    void check() {
        if (heldLong < 0) throw new IllegalArgumentException("--held-long=" + heldLong + ": give 0 or more");
        parsedFlavour();
        parsedEviction();
    }

    /**
     * Creates the core.
     *
     * @param modelled whether devices may be non-snooping; no cost while there are none
     * @throws IllegalArgumentException an option that is none
     */
    DmaCore open(RecordOption.Open recording, boolean modelled) {
        check();
        Findings findings = new Findings();
        findings.listen(ModelOption::tell);
        if (!devices.isEmpty()) findings.only(devices::contains);
        Eviction when = parsedEviction();
        DmaCoreOptions options = DmaCoreOptions.counting().withFlavour(parsedFlavour()).withTrace(recording.sink())
                .withHeldLong(Duration.ofMillis(heldLong));
        if (modelled) options = options.withExecutor(new ShadowCaches(FileMappings.ofProcess(), when));
        return DmaCore.open(options, findings);
    }

    private Flavour parsedFlavour() {
        return switch (flavour) {
            case "arm64" -> Flavour.ARM64;
            case "arc" -> Flavour.ARC;
            default -> throw new IllegalArgumentException("--flavour=" + flavour + ": give arm64 or arc");
        };
    }

    private Eviction parsedEviction() {
        if (eviction.equals("lazy")) return new Eviction.Lazy();
        if (eviction.equals("eager")) return new Eviction.Eager();
        try {
            if (eviction.startsWith(SEEDED))
                return new Eviction.Seeded(Long.decode(eviction.substring(SEEDED.length())), ONE_IN);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("--eviction=" + eviction + ": the seed is not a number", e);
        }
        throw new IllegalArgumentException("--eviction=" + eviction + ": give lazy, eager or seeded:N");
    }

    private static void tell(Finding finding) {
        if (finding.rule().severity() == Rule.Severity.ERROR) {
            LOG.warn("{}", finding);
        } else if (finding.rule() == Rule.HELD_LONG) { // selected explicitly
            LOG.info("{}", finding);
        } else {
            LOG.debug("{}", finding);
        }
    }
}
