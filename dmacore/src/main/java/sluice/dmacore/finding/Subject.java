package sluice.dmacore.finding;

/**
 * The subject of a finding: names, and the same objects' numbers in a recording.
 *
 * @param device involved device; empty if none
 * @param attachment number of the device's attachment, or 0
 * @param buffer name of the buffer
 * @param number of the buffer, or 0
 */
public record Subject(String device, int attachment, String buffer, int number) {}
