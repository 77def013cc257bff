package sluice.vdev.serve;

import java.util.List;

import sluice.vdev.device.DeviceEnvironment;
import sluice.vdev.plugin.DeviceOption;
import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.DeviceProvider;
import sluice.vdev.plugin.ProvidedDevice;

/** Provides a device that a test has made, without options of its own. */
record Making(String name, ProvidedDevice device) implements DeviceProvider {
    @Override
    public String description() {
        return "A " + name + ".";
    }

    @Override
    public List<DeviceOption> options() {
        return List.of();
    }

    @Override
    public ProvidedDevice create(DeviceOptions options, DeviceEnvironment environment) {
        return device;
    }
}
