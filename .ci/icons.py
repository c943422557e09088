"""`make icons` draws crm/static/crm/icon.svg as PNG, in the sizes that phones take for an installed page."""

import os
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "backoffice" / "static" / "backoffice"
SVG = (ROOT / "crm" / "static" / "crm" / "icon.svg").read_text()
# Without round corners for systems that cut the shape themselves; what may be cut off is outside a circle of 80 %.
SQUARE = SVG.replace(' rx="7"', "")
MASKABLE = SQUARE.replace("<path ", '<path transform="translate(3.2 3.2) scale(.8)" ')
ICONS = {
    "icon-192.png": (SVG, 192),
    "icon-512.png": (SVG, 512),
    "icon-maskable-512.png": (MASKABLE, 512),
    "icon-apple-180.png": (SQUARE, 180),
}

with sync_playwright() as playwright:
    browser = playwright.chromium.launch(
        executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox"]
    )
    for name, (svg, size) in ICONS.items():
        page = browser.new_page(viewport={"width": size, "height": size})
        page.set_content(f"<style>body {{ margin: 0 }} svg {{ display: block; width: {size}px }}</style>{svg}")
        page.screenshot(path=FOLDER / name, omit_background=True)
        page.close()
    browser.close()
