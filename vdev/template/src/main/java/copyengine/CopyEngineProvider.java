package copyengine;

import java.util.List;

import sluice.vdev.device.DeviceEnvironment;
import sluice.vdev.plugin.DeviceOption;
import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.DeviceProvider;
import sluice.vdev.plugin.ProvidedDevice;

/** Lets {@code ./sluice serve --plugin=...} find the copy engine: META-INF/services names this class. */
public final class CopyEngineProvider implements DeviceProvider {
    @Override
    public String name() {
        return "copy-engine";
    }

    @Override
    public String description() {
        return "Copies memory of the guest from one scatter list to another.";
    }

    /**
     * No options of its own. An option would be {@code new DeviceOption("entries", "N", "Most entries of a list.")}.
     */
    @Override
    public List<DeviceOption> options() {
        return List.of();
    }

    @Override
    public ProvidedDevice create(DeviceOptions options, DeviceEnvironment environment) {
        return new ProvidedDevice.Function(new CopyEngine());
    }
}
