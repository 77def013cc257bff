package sluice.vdev.serve;

import java.nio.file.Path;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;

import sluice.vdev.plugin.DeviceOption;
import sluice.vdev.plugin.FaultKind;

/** The list of available devices, as text and as JSON. */
public final class DeviceList {
    private DeviceList() {}

    public static String text(DeviceCatalog catalog) {
        StringBuilder text = new StringBuilder();
        for (DeviceCatalog.Entry entry : catalog.all()) {
            text.append("%s: %s%s%n".formatted(entry.provider().name(), entry.provider().description(),
                    entry.plugin() == null ? "" : " (" + entry.plugin() + ")"));
            for (DeviceOption option : DeviceArgument.listed(entry.provider()))
                text.append("  %-20s %s%n".formatted(option, option.description()));
        }
        return text.append(FaultKind.grammar()).toString();
    }

    /**
     * An object with an array {@code devices}, each with {@code name}, {@code description}, {@code plugin} and {@code options}, and
     * an array {@code faults}, each with {@code name}, {@code keys}, {@code description} and {@code devices}.
     */
    public static String json(DeviceCatalog catalog) {
        JsonArray devices = new JsonArray();
        for (DeviceCatalog.Entry entry : catalog.all()) {
            JsonObject device = new JsonObject();
            device.addProperty("name", entry.provider().name());
            device.addProperty("description", entry.provider().description());
            Path plugin = entry.plugin();
            if (plugin != null) device.addProperty("plugin", plugin.toString());
            JsonArray options = new JsonArray();
            for (DeviceOption option : DeviceArgument.listed(entry.provider())) {
                JsonObject one = new JsonObject();
                one.addProperty("name", option.name());
                one.addProperty("value", option.value());
                one.addProperty("description", option.description());
                one.addProperty("repeatable", option.repeatable());
                options.add(one);
            }
            device.add("options", options);
            devices.add(device);
        }
        JsonObject all = new JsonObject();
        all.add("devices", devices);
        JsonArray faults = new JsonArray();
        for (FaultKind kind : FaultKind.values()) {
            JsonObject one = new JsonObject();
            one.addProperty("name", kind.word());
            one.addProperty("keys", kind.keys());
            one.addProperty("description", kind.effect());
            one.addProperty("devices", kind.where().toString());
            faults.add(one);
        }
        all.add("faults", faults);
        return new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create().toJson(all) + "\n";
    }
}
