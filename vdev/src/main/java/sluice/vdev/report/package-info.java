/**
 * The formats of a device's {@link sluice.vdev.device.Report} and of the findings of its process: a JSON file, the JSON that the page
 * of the console reads, and Prometheus's text format. All are made on the reader's thread; no device knows of them.
 */
@NullMarked
package sluice.vdev.report;

import org.jspecify.annotations.NullMarked;
