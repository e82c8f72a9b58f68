"""Headless Chromium, for what people see and press."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from selenium.common.exceptions import ElementClickInterceptedException, StaleElementReferenceException

from vroeg_pipeline_tests.kit.live import wait_until

# Wide enough for the whole graph.
_WINDOW = "--window-size=1800,1200"


_BUTTON = "//*[self::button or self::a][starts-with(normalize-space(.), '{}')]"


def _state(element: Any) -> str:
    return "on" if element.is_enabled() else "off"


def _pressed(element: Any) -> bool:
    if not element.is_enabled():
        return False
    element.click()
    return True


@dataclass(frozen=True)
class Browser:
    """A browser and the address of what it looks at."""

    driver: Any
    url: str

    def open(self, path: str, *texts: str) -> None:
        """Opens a page, and waits until it shows all of the texts."""
        self.driver.get(self.url + path)
        self.shows(*texts)

    def shows(self, *texts: str) -> None:
        """Waits until the page shows all of the texts, in whatever case."""

        def shown() -> bool:
            body = self.driver.find_element("tag name", "body").text.lower()
            return all(text.lower() in body for text in texts)

        wait_until(f"{texts} on {self.driver.current_url}", shown, 60)
        assert "PythonError" not in self.driver.page_source

    def press(self, text: str) -> None:
        """Presses the last button or link that begins with the text, once it can be pressed."""
        wait_until(f"the button {text}", lambda: self._found(_BUTTON.format(text), _pressed), 60)

    def is_off(self, text: str) -> bool:
        """Whether that button cannot be pressed."""
        return wait_until(f"the button {text}", lambda: self._found(_BUTTON.format(text), _state), 60) == "off"

    def write(self, placeholder: str, text: str) -> None:
        """Writes a text into the field that says what belongs there, and leaves it."""
        field = f"//input[starts-with(@placeholder, '{placeholder}')]"
        wait_until(
            f"the field {placeholder}", lambda: self._found(field, lambda e: e.send_keys(text, "\ue004") or True), 60
        )

    def _found(self, path: str, then: Callable[[Any], Any]) -> Any:
        """What `then` gives of the last element, if there is one and the page leaves it there so long."""
        try:
            return (found := self.driver.find_elements("xpath", path)) and then(found[-1])
        except (StaleElementReferenceException, ElementClickInterceptedException):
            return None

    def keep(self, name: str) -> None:
        """Keeps a screenshot in VROEG_TESTS_SCREENSHOTS, where that is set, to be looked at."""
        if folder := os.environ.get("VROEG_TESTS_SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            time.sleep(2)
            self.driver.save_screenshot(str(Path(folder) / f"{name}.png"))


def barriers(*pages: Path) -> dict[str, list[str]]:
    """What axe-core finds wrong with HTML files on a phone and on a screen, best practices too: what and where, to elements.
    And what is wider than that.
    """
    from selenium_axe_python import Axe

    found = {}
    with chromium("") as browser:
        for page, width in product(pages, (360, 1400)):
            size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
            browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            browser.driver.get(page.as_uri())
            axe = Axe(browser.driver)
            axe.inject()
            for violation in axe.run()["violations"]:
                found[f"{violation['id']} on {page.name} at {width}"] = [
                    str(node["target"][0]) for node in violation["nodes"]
                ]
            wide = browser.driver.execute_script("return document.documentElement.scrollWidth")
            if wide > width:
                found[f"too wide: {page.name} at {width}"] = [f"{wide} pixels"]
            browser.keep(f"{page.stem}-{width}")
    return found


def contrast(colour: str, other: str) -> float:
    """How much two colours (#rrggbb) differ, from 1 to 21, as WCAG counts it."""

    def luminance(of: str) -> float:
        parts = [int(of[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, light = sorted(map(luminance, (colour, other)))
    return (light + 0.05) / (dark + 0.05)


@contextmanager
def chromium(url: str) -> Iterator[Browser]:
    """A browser on what answers at the address."""
    from selenium import webdriver

    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (program and driver):
        pytest.skip("Chromium and its driver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars", _WINDOW):
        options.add_argument(argument)
    opened = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield Browser(opened, url)
    finally:
        opened.quit()
