package entropy;

import java.security.SecureRandom;
import java.util.List;
import java.util.Random;

import sluice.vdev.device.DeviceEnvironment;
import sluice.vdev.plugin.DeviceOption;
import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.DeviceProvider;
import sluice.vdev.plugin.ProvidedDevice;
import sluice.vdev.plugin.WrongOptionException;

/** Lets {@code ./sluice serve --plugin=...} find the entropy source: META-INF/services names this class. */
public final class EntropyProvider implements DeviceProvider {
    @Override
    public String name() {
        return "entropy";
    }

    @Override
    public String description() {
        return "A virtio entropy source.";
    }

    @Override
    public List<DeviceOption> options() {
        return List.of(new DeviceOption("seed", "N",
                "Deliver the same bytes every time, for tests. Without it they are those of the host's SecureRandom."));
    }

    @Override
    public ProvidedDevice create(DeviceOptions options, DeviceEnvironment environment) throws WrongOptionException {
        long seed = options.number("seed", 0, Long.MIN_VALUE, Long.MAX_VALUE);
        EntropySource source = new EntropySource(options.isGiven("seed") ? new Random(seed) : new SecureRandom());
        environment.report().counter("bytes", "bytes", "That drivers have got.", source.delivered());
        return new ProvidedDevice.Virtio(source);
    }
}
